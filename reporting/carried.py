"""Which KPIs the feeds that have come can carry, and which feeds the others lack.

A KPI may have cells all the same: without a single case, contacts per return are 0. That is no figure.
"""

from __future__ import annotations

from collections.abc import Collection

from reporting.snapshots import Row

DELIVERED = "select distinct feed from ops.file_ledger where status = 'loaded' and rows_loaded > 0"


def lacking(definition: Row, delivered: Collection[str]) -> tuple[str, ...]:
    """Needs of a KPI, as `kpi_definitions.needs` states them, that no delivered feed meets."""
    needs = [need.strip() for need in definition["needs"].split(",") if need.strip()]
    return tuple(need for need in needs if not set(need.split(" or ")) & set(delivered))


def by_lack(
    definitions: Collection[Row], delivered: Collection[str]
) -> list[tuple[tuple[str, ...], list[str]]]:
    """What is lacking, and the titles of the KPIs that lack just that; those that lack least come first.

    KPIs that lack nothing are not among them. Parts of a KPI stand with it.
    """
    lacks = {row["kpi"]: lacking(row, delivered) for row in definitions}
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for row in definitions:
        lack, whole = lacks[row["kpi"]], lacks.get(row["kpi"].split(".")[0])
        if not lack or ("." in row["kpi"] and whole):
            continue
        title = row["title"] if whole is not None else row["title"].split(":")[0]
        found.setdefault(lack, {})[title] = None
    return sorted(((lack, list(titles)) for lack, titles in found.items()), key=_length_first)


def _length_first(item: tuple[tuple[str, ...], list[str]]) -> tuple[int, tuple[str, ...]]:
    return len(item[0]), item[0]
