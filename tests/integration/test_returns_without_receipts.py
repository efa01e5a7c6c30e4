"""A shop that tells of requests, memos and refunds, and of no goods. Counted by hand.

A unit is 100.00 and 19.00 of tax; all were sold and came on 5 January. The business date is 20 March.

| order | asked for              | money                              |
|-------|------------------------|------------------------------------|
| A     | 10 January, approved   | credited and refunded, 20 January  |
| B     | 10 January, approved   | none: refund it, or close it       |
| C     | 10 January, declined   | none                               |
| D     |                        | credited and refunded, 20 January  |
| E     | 10 January, undecided  | none                               |
| F     | 10 March, approved     | none yet                           |
| G     | 10 January, approved   | credited on 22 January, not paid   |
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from tests.integration.test_rates_by_hand import LAYOUT, Day, Rows
from tests.nights import build_night

pytestmark = pytest.mark.long

DATE = dt.date(2026, 3, 20)
FEEDS = (
    "erp_sales_lines", "crm_return_requests", "erp_credit_memos", "crm_refunds", "erp_payment_settlements",
    "erp_items", "crm_customers",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def night(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is known on 20 March."""
    folder = tmp_path_factory.mktemp("companies") / "refunds_only"
    folder.mkdir()
    (folder / "company.yml").write_text("title: Refunds only\nreporting_currency: EUR\nreason_systems: "
                                        "{erp: canonical, wms: canonical, crm: canonical}\n")  # fmt: skip
    for feed in FEEDS:
        (folder / f"{feed}.yml").write_text(LAYOUT.format(feed=feed))
    (folder / "sites.csv").write_text("site,name,country,zone,currency\nLEJ,Leipzig,DE,UTC,EUR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(folder))
        _day().land(database, DATE)
        for feed in feeds():
            result = load_feed(feed, DATE)
            assert [(file.name, file.reason) for file in result.files if file.status != "loaded"] == []
        publish(build_night(DATE))
        yield


def _day() -> Day:
    day = Day()
    day.add(
        "erp_items", sku="TOY", style="TOY", size="M", description="Toy", category="TOYS", brand="Br",
        unit_cost="4.00", list_price="10.00", currency="EUR", weight_g=500, is_serialised="false",
        is_returnable="true", return_window_days=30, restocking_fee_pct="0",
    )  # fmt: skip
    day.add(
        "crm_customers", customer_id="C1", country="DE", segment="consumer", created_at="2020-01-01 00:00"
    )
    for order in "ABCDEFG":
        day.sell(order, "C1", "2026-01-05", delivered="2026-01-05")
    for order, on, status in (
        ("A", "2026-01-10", "approved"), ("B", "2026-01-10", "approved"), ("C", "2026-01-10", "declined"),
        ("E", "2026-01-10", "open"), ("F", "2026-03-10", "approved"), ("G", "2026-01-10", "approved"),
    ):  # fmt: skip
        day.add(
            "crm_return_requests", request_id=f"Q{order}", request_line=1, order_no=order, order_line_no=1,
            sku="TOY", customer_id="C1", quantity=1, reason_code="CHANGED_MIND", desired_resolution="refund",
            status=status, requested_at=f"{on} 09:00", decided_at="" if status == "open" else f"{on} 10:00",
            updated_at=f"{on} 10:00",
        )  # fmt: skip
    for order in "AD":
        day.credit(f"M{order}", "2026-01-20", "100.00", "19.00", order_no=order, order_line_no="1",
                   refund_id=f"F{order}")  # fmt: skip
        day.pay(f"F{order}", "2026-01-20", "119.00", order_no=order, order_line_no="1")
    day.credit("MG", "2026-01-22", "100.00", "19.00", order_no="G", order_line_no="1")
    return day


def _rows(query: str) -> Rows:
    with connect("auditor") as connection:
        return connection.execute(query).fetchall()


def test_a_return_ends_with_its_money_where_no_feed_tells_of_goods() -> None:
    """D has no return line: nobody asked, and nobody says that anything came."""
    assert _rows(
        "select order_no, status, open_quantity, ended_quantity, ended_at::date::text"
        " from core.fct_return_line order by order_no"
    ) == [
        ("A", "CLOSED", 0, 1, "2026-01-20"), ("B", "APPROVED", 1, 0, None),
        ("C", "DECLINED", 0, 0, "2026-01-10"), ("E", "REQUESTED", 1, 0, None),
        ("F", "APPROVED", 1, 0, None), ("G", "CLOSED", 0, 1, "2026-01-22"),
    ]  # fmt: skip


def test_nothing_waits_for_goods_of_which_nobody_tells() -> None:
    assert _rows(
        "select order_no, next_step, is_overdue, is_open from marts.return_tracking"
        " where is_open or is_overdue or next_step is not null order by order_no"
    ) == [
        ("B", "refund or close", True, True),
        ("E", "decide the request", True, True),
        ("F", "refund or close", False, True),
    ]
    assert _rows("select sum(return_lines), sum(open_units) from marts.return_backlog") == [(3, 3)]
    assert _rows(
        "select sum(return_lines), sum(open_units) from marts.open_returns_by_day"
        " where snapshot_date = '2026-03-20'"
    ) == [(3, 3)]
    # A and G were open at the end of neither January nor February
    assert _rows(
        "select snapshot_date::text, sum(open_units) from marts.open_returns_by_day"
        " where snapshot_date in ('2026-01-31', '2026-02-28') group by 1 order by 1"
    ) == [("2026-01-31", 2), ("2026-02-28", 2)]
    assert _rows("select sum(open_returns) from marts.customer_overview") == [(3,)]
