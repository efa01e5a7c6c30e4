"""A night after one row of a feed went, came or changed, in each column, against all computed anew.

Every such change stands in an order that nothing else of the night touches, so that whatever the night
forgets of it stays as it was and shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from revlog.contracts.contract import feeds, load_contract
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration import added_feed
from tests.integration.raw_changes import (
    Orders,
    Row,
    isolate,
    let_count,
    newest_rows,
    other_value,
    send,
)
from tests.nights import build_night
from tests.tables import fingerprints

pytestmark = pytest.mark.long

DAY = dt.date(2026, 1, 31)
# Of whole tables and rates the unit of news is the file: see the other tests of nights.
WHOLE = {feed for feed in feeds() if load_contract(feed).mode == "full"} | {"erp_fx_rates"}
SCHEMAS = ("core", "build")


class News(NamedTuple):
    """A change of one row: what happened to it in which order, and the file that brought it before."""

    feed: str
    what: str
    row: Row
    order: str
    file_id: int | None = None


@pytest.fixture(scope="module")
def project(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The pipeline with a feed more."""
    with added_feed.added_feed(tmp_path_factory.mktemp("project")):
        yield


@pytest.fixture(scope="module")
def news(project: None, database: Path, tmp_path_factory: pytest.TempPathFactory) -> list[News]:
    """A warehouse in which one row of each feed went, one came, and one changed in each column."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=3000, seed=17,
            start=dt.date(2025, 7, 1), history_end=DAY, nights=0, dirt=0.0, habits=DENSE,
        )
    )  # fmt: skip
    for feed in feeds():
        load_feed(feed, DAY, lambda line: None)
    sold = sorted({row["order_no"] for row in newest_rows("erp_sales_lines")})
    for row in added_feed.complaints(sold[::10]):
        send(added_feed.FEED, row)
    found = list(_chosen())
    build_night(DAY)
    for one in found:
        if one.file_id is not None:
            let_count(one.file_id, "loaded" if one.what == "comes" else "superseded")
        else:
            send(one.feed, one.row)
    build_night(DAY)
    return found


def _chosen() -> Iterator[News]:
    rows = {feed: newest_rows(feed) for feed in feeds() if feed not in WHOLE}
    orders, taken = Orders(rows), set[str]()

    def free(feed: str, column: str | None = None) -> Iterator[Row]:
        """Rows of orders that nothing has been chosen of, first those with a value in the column."""
        for row in sorted(rows[feed], key=lambda r: column is not None and r[column] in (None, [])):
            order = orders.of(row)
            if order not in taken:
                yield row

    def take(row: Row) -> str:
        order = orders.of(row)
        assert order is not None
        taken.add(order)
        return order

    # Goods sent in exchange decide what is due for those that came back, which are another order's.
    for what, status in (("goes", "loaded"), ("comes", "superseded")):
        row = next(r for r in free("erp_sales_lines") if r["replaces_rma_no"] and r["shipped_at"])
        yield News("erp_sales_lines", what, row, take(row), isolate("erp_sales_lines", row, status))
    row = next(r for r in free("erp_sales_lines") if r["replaces_rma_no"] and r["shipped_at"])
    yield News("erp_sales_lines", "waits", row | {"shipped_at": None}, take(row))
    for feed in rows:
        contract = load_contract(feed)
        for what, status in (("goes", "loaded"), ("comes", "superseded")):
            row = next(free(feed))
            yield News(feed, what, row, take(row), isolate(feed, row, status))
        for column in contract.raw_columns:
            if column in contract.key or column not in contract.columns:
                continue
            row = next(free(feed, column), None)
            if row is None:
                continue
            order = take(row)
            other = next((r for r in free(feed, column) if r[column] != row[column]), row)
            changed = row | {column: other_value(contract, column, row, other)}
            if changed == row:
                taken.discard(order)
                continue
            if other is not row:
                take(other)
            yield News(feed, column, changed, order)


def test_every_feed_has_news(news: list[News]) -> None:
    assert {one.feed for one in news} == set(feeds()) - WHOLE
    assert len(news) > 150
    assert len({one.order for one in news}) == len(news)


def test_a_night_after_it_equals_all_computed_anew(news: list[News]) -> None:
    night = fingerprints(*SCHEMAS)
    with connect("admin") as connection:
        connection.execute("create schema night")
        for schema in SCHEMAS:
            for table in night:
                if connection.execute("select to_regclass(%s)", [f"{schema}.{table}"]).fetchone() != (None,):
                    connection.execute(f"create table night.{table} as select * from {schema}.{table}")
    build_night(DAY, full_refresh=True)
    anew = fingerprints(*SCHEMAS)
    differing = sorted(table for table in night if night[table] != anew.get(table))
    shown = {table: _difference(table) for table in differing}
    assert shown == {}, "\n".join(f"{table}: {rows}" for table, rows in shown.items())


def _difference(table: str) -> list[str]:
    """Some rows that one of both has and the other has not."""
    with connect("admin") as connection:
        schema = next(
            s for s in SCHEMAS
            if connection.execute("select to_regclass(%s)", [f"{s}.{table}"]).fetchone() != (None,)
        )  # fmt: skip
        return [
            str(row)
            for before, after in (("night", schema), (schema, "night"))
            for row in connection.execute(
                f"select '{before}', t::text from (select * from {before}.{table} except"
                f" select * from {after}.{table}) as t limit 4"
            )
        ]
