"""Every table that is published: none may collapse, repeat a key, or be of another night."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from expectations.asset import CRITICAL, WARNING, Asset, Meta, no_rows
from expectations.night import Night
from warehouse.domains import DOMAINS

if TYPE_CHECKING:
    from warehouse.publish import Published

# Published tables grow; only lists of open items shrink, and never by half overnight.
SHRINKS_WARNS, SHRINKS_BLOCKS = 0.9, 0.5
# Smaller tables are reference data that someone edits.
LEAST_ROWS = 50
# Of a table whose other rows 0.2.0 put into tables of their own: those that stayed.
STAYED = {
    "return_cycle_time": "'ALL' not in (t.request_month, t.channel, t.product_category)",
    "return_cycle_steps": "t.request_month <> 'ALL'",
    "dock_to_disposition": "'ALL' not in (t.received_month, t.site)",
    "product_return_rates": "coalesce(to_jsonb(t) ->> 'level', 'sku') = 'sku'",
}


def assets(night: Night) -> list[Asset]:
    """One asset a table, and one a domain that compares row counts with what is published.

    A view has the keys and rows of the tables that it reads, and the date of `publication`.
    """
    from warehouse.build import published_tables

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
        yield _missing(domain, lacking)
    if sized := [table for table in built if table.schema == domain]:
        yield _sizes(night, domain, sized)


def _missing(domain: str, names: list[str]) -> Asset:
    listed = ", ".join(f"('{name}')" for name in names)
    return Asset(
        f"build of {domain}",
        f"publish.missing_{domain}",
        f"select * from (values {listed}) as t (table_name)",
        [
            no_rows(
                "table_was_not_built",
                "true",
                severity=CRITICAL,
                description="Every table that is published has been built.",
                advice="Run the night again: python -m nightly DATE.",
            )
        ],
        ("table_name",),
        (domain,),
    )


def _sizes(night: Night, domain: str, tables: list[Published]) -> Asset:
    parts = [
        f"select '{t.schema}.{t.name}' as table_name,"
        f" (select count(*) from build.{t.name}) as rows_built,"
        f" {_published_count(night, t)} as rows_published"
        for t in tables
    ]
    shrunk = f"rows_published >= {LEAST_ROWS} and rows_built < rows_published * "
    return Asset(
        f"build beside published {domain}",
        f"publish.row_counts_{domain}",
        "select t.* from (" + " union all ".join(parts) + ") as t",
        [
            no_rows(
                "table_collapses",
                f"{shrunk} {SHRINKS_BLOCKS} or (rows_built = 0 and rows_published > 0)",
                # What a mistyped date has published is no measure for the right one.
                severity=WARNING if night.is_set_back else CRITICAL,
                description=f"No table keeps less than {SHRINKS_BLOCKS:.0%} of its rows.",
                advice="Compare build with the published table; a feed or a filter lost rows.",
            ),
            no_rows(
                "table_shrinks",
                f"{shrunk} {SHRINKS_WARNS}",
                severity=WARNING,
                description=f"No table keeps less than {SHRINKS_WARNS:.0%} of its rows.",
            ),
        ],
        ("table_name", "rows_built", "rows_published"),
        (domain,),
    )


def _published_count(night: Night, table: Published) -> str:
    if f"{table.schema}.{table.name}" not in night.relations:
        return "0::bigint"
    return f"(select count(*) from {table.schema}.{table.name} as t where {STAYED.get(table.name, 'true')})"


def _table(night: Night, table: Published) -> Asset:
    name = f"build.{table.name}"
    keys = ", ".join(table.key)
    checks: list[Expectation] = [
        gxe.UnexpectedRowsExpectation(
            unexpected_rows_query=(
                f"select {keys}, count(*) as times from {{batch}} group by {keys} having count(*) > 1"
            ),
            description=f"One row per {keys}.",
            severity=CRITICAL,
            meta=Meta("key_repeats").as_dict(),
        )
    ]
    if f"{name}.business_date" in night.relations:
        checks.append(
            no_rows(
                "another_business_date",
                f"business_date is distinct from date '{night.as_of}'",
                severity=CRITICAL,
                description=f"Every row is as of {night.as_of}.",
                advice="The table is left over from another build; build again.",
            )
        )
    return Asset(name, f"publish.{table.name}", f"select * from {name}", checks, table.key, (table.schema,))
