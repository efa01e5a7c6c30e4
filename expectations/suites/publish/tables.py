"""Every table that is published: none may collapse, repeat a key, or be of another night."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from revlog.builds.domains import DOMAINS
from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

if TYPE_CHECKING:
    from revlog.builds.published import Published

# Of a table whose other rows 0.2.0 put into tables of their own: those that stayed.
STAYED = {
    "dock_to_disposition": "'ALL' not in (t.received_month, t.site)",
    "product_return_rates": "coalesce(to_jsonb(t) ->> 'level', 'sku') = 'sku'",
}


def assets(night: Night) -> list[Asset]:
    """One asset a table, and one a domain that compares row counts with what is published.

    A view has the keys and rows of the tables that it reads, and the date of `publication`.
    """
    from revlog.transform.tables import published_tables

    tables = published_tables()
    missing = [t for t in tables if f"build.{t.name}" not in night.relations]
    built = [t for t in tables if t not in missing and not t.is_view]
    return [
        *[asset for domain in DOMAINS for asset in _whole(night, domain, missing, built)],
        *[_table(night, table) for table in built],
    ]


def _whole(night: Night, domain: str, missing: list[Published], built: list[Published]) -> Iterator[Asset]:
    """What is asked of all tables of a domain together."""
    if lacking := [table.name for table in missing if table.schema == domain]:
        values = {"domain": domain, "missing": checks.texts(lacking)}
        yield checks.asset("publish/missing", values, suite=f"publish.missing_{domain}")
    steady = [table for table in built if table.schema == domain and not table.comes_and_goes]
    if sized := [_sized(night, table) for table in steady]:
        counts = {"domain": domain, "tables": sized, "is_set_back": night.is_set_back}
        yield checks.asset("publish/row_counts", counts, suite=f"publish.row_counts_{domain}")


def _sized(night: Night, table: Published) -> dict[str, str]:
    """A table with where its published rows are; of one that is not published yet no row has stayed."""
    published = f"{table.schema}.{table.name}"
    names = {"name": table.name, "schema": table.schema}
    if published not in night.relations:
        return names | {"published": f"build.{table.name}", "stayed": "false"}
    return names | {"published": published, "stayed": STAYED.get(table.name, "true")}


def _table(night: Night, table: Published) -> Asset:
    values = {
        "table": table.name,
        "key": ", ".join(table.key),
        "domain": table.schema,
        "as_of": checks.date(night.as_of),
        "as_of_day": night.as_of,
    }
    is_dated = f"build.{table.name}.business_date" in night.relations
    return checks.asset(
        "publish/table", values,
        suite=f"publish.{table.name}",
        without=() if is_dated else ("another_business_date",),
    )  # fmt: skip
