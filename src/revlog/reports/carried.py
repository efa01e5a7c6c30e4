"""Which KPIs have a figure, and what the others lack, in groups: as `marts.kpi_completeness` says.

A KPI may have cells all the same: without a single case, contacts per return would be 0. That is no figure.
"""

from __future__ import annotations

from collections.abc import Collection

from revlog.reports.snapshots import Reader, Row, exists

_DEFINITIONS = """
select distinct on (definitions.kpi)
    definitions.*, completeness.completeness, completeness.reason, completeness.lacking_feeds
from marts.kpi_definitions as definitions
left join marts.kpi_completeness as completeness on completeness.kpi = definitions.kpi
order by definitions.kpi, completeness.completeness = 'lacking'
"""
# A warehouse of an older version, before its next night.
_WITHOUT_COMPLETENESS = """
select *, null as completeness, null as reason, null as lacking_feeds from marts.kpi_definitions order by kpi
"""


def read_definitions(reader: Reader) -> list[Row]:
    """The published definitions of KPIs, each with its completeness, reason and lacking feeds.

    Those of a basis that has a figure, where one has; none before marts are published for the first time.
    """
    if not exists(reader, "marts.kpi_definitions"):
        return []
    is_told = exists(reader, "marts.kpi_completeness")
    return reader.execute(_DEFINITIONS if is_told else _WITHOUT_COMPLETENESS).fetchall()


def is_lacking(definition: Row) -> bool:
    """True where the KPI has no figure."""
    return bool(definition["completeness"] == "lacking")


def lacking(definition: Row) -> tuple[str, ...]:
    """Feeds that the KPI lacks; none where it has a figure, or lacks a return whose sale is known."""
    return tuple(filter(None, (definition["lacking_feeds"] or "").split(", ")))


def why(feeds: Collection[str]) -> str:
    """What is lacking, in words."""
    return f"no row of {', '.join(feeds)} has come" if feeds else "no return that came has a known sale"


def by_lack(definitions: Collection[Row]) -> list[tuple[str, list[str]]]:
    """What is lacking, in words, and the titles of the KPIs that lack just that; who lacks least comes first.

    KPIs that lack nothing are not among them. Parts of a KPI stand with it.
    """
    lacks = {row["kpi"]: is_lacking(row) for row in definitions}
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for row in definitions:
        whole = row["kpi"].split(".")[0]
        if not is_lacking(row) or ("." in row["kpi"] and lacks.get(whole)):
            continue
        title = row["title"] if whole in lacks else row["title"].split(":")[0]
        found.setdefault(lacking(row), {})[title] = None
    return [(why(lack), list(titles)) for lack, titles in sorted(found.items(), key=_least_first)]


def _least_first(item: tuple[tuple[str, ...], dict[str, None]]) -> tuple[int, tuple[str, ...]]:
    return len(item[0]), item[0]
