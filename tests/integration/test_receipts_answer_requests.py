"""A company whose returns have no number: requests and receipts name the order alone. Counted by hand.

Each order is of TOY, shipped and here on 5 January, so that its window of 30 days ends on 4 February. The
business date is 20 March; no inspection and no disposition is ever told.

| order | sold | asked for              | came back                                                |
|-------|------|------------------------|----------------------------------------------------------|
| A     | 1    | 1 February             | 15 February; credited and paid                           |
| B     | 1    | 20 January, declined   | 20 February: asked for in time all the same              |
| C     | 1    | 20 February, declined  | 1 March                                                  |
| D     | 1    |                        | 20 February, in a parcel that the carrier had on the 3rd |
| E     | 1    |                        | 20 February                                              |
| F     | 2    | 2 on 20 January        | 1 on 15 February                                         |
| G     | 2    | 1 on 20 January        | 2 on 15 February: more than were asked for               |
| H     | 1    | 20 January             | 10 January, before it was asked for                      |
| J     | 1    | 10 March               | 20 March, which the second night tells                   |
| K     | 1    | 1 February, told later | 15 February                                              |
| L     | 1    |                        | 20 February, told later, in a parcel of 2 February       |
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
from tests.tables import fingerprints

pytestmark = pytest.mark.long

FIRST, SECOND = dt.date(2026, 3, 20), dt.date(2026, 3, 21)
FEEDS = (
    "erp_sales_lines", "crm_return_requests", "wms_return_receipts", "wms_shipment_events",
    "erp_credit_memos", "crm_refunds", "erp_payment_settlements", "erp_items", "crm_customers",
)  # fmt: skip
# What is not made anew for the touched units alone.
KEPT = "^(dim|fct|bridge|snap|kpi)_|^return_(positions|hours|line_money)$"
LINES = """
select order_no, return_line_key, status, received_quantity, open_quantity, is_blind, policy_breach
from core.fct_return_line order by order_no, return_line_key
"""


@pytest.fixture(scope="module", autouse=True)
def night(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is known on 20 March."""
    folder = tmp_path_factory.mktemp("companies") / "without_rma"
    folder.mkdir()
    (folder / "company.yml").write_text("title: Without RMA\nreporting_currency: EUR\nreason_systems: "
                                        "{erp: canonical, wms: canonical, crm: canonical}\n")  # fmt: skip
    for feed in FEEDS:
        (folder / f"{feed}.yml").write_text(LAYOUT.format(feed=feed))
    (folder / "sites.csv").write_text("site,name,country,zone,currency\nLEJ,Leipzig,DE,UTC,EUR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(folder))
        _first_day().land(database, FIRST)
        _night(FIRST)
        yield


def _first_day() -> Day:
    day = Day()
    day.add(
        "erp_items", sku="TOY", style="TOY", size="M", description="Toy", category="TOYS", brand="Br",
        unit_cost="4.00", list_price="10.00", currency="EUR", weight_g=500, is_serialised="false",
        is_returnable="true", return_window_days=30, restocking_fee_pct="0",
    )  # fmt: skip
    day.add(
        "crm_customers", customer_id="C1", country="DE", segment="consumer", created_at="2020-01-01 00:00"
    )
    for order in "ABCDEFGHJKL":
        units = 2 if order in "FG" else 1
        day.sell(order, "C1", "2026-01-05", units=units, net=f"{100 * units}.00", tax=f"{19 * units}.00",
                 delivered="2026-01-05")  # fmt: skip
    _ask(day, "A", "2026-02-01")
    _ask(day, "B", "2026-01-20", status="declined")
    _ask(day, "C", "2026-02-20", status="declined")
    _ask(day, "F", "2026-01-20", units=2)
    _ask(day, "G", "2026-01-20")
    _ask(day, "H", "2026-01-20")
    _ask(day, "J", "2026-03-10")
    _receive(day, "A", "2026-02-15")
    _receive(day, "B", "2026-02-20")
    _receive(day, "C", "2026-03-01")
    _scan(day, "TD", "2026-02-03")
    _receive(day, "D", "2026-02-20", parcel="TD")
    _receive(day, "E", "2026-02-20")
    _receive(day, "F", "2026-02-15")
    _receive(day, "G", "2026-02-15", units=2)
    _receive(day, "H", "2026-01-10")
    _receive(day, "K", "2026-02-15")
    _scan(day, "TL", "2026-02-02")
    day.credit("MA", "2026-02-16", "100.00", "19.00", order_no="A", order_line_no="1", refund_id="FA")
    day.pay("FA", "2026-02-17", "119.00", order_no="A", order_line_no="1")
    return day


def _ask(day: Day, order: str, on: str, status: str = "approved", units: int = 1) -> None:
    day.add(
        "crm_return_requests", request_id=f"Q{order}", request_line=1, order_no=order, order_line_no=1,
        sku="TOY", customer_id="C1", quantity=units, reason_code="CHANGED_MIND", desired_resolution="refund",
        status=status, requested_at=f"{on} 09:00", decided_at=f"{on} 10:00", updated_at=f"{on} 10:00",
    )  # fmt: skip


def _receive(day: Day, order: str, on: str, units: int = 1, parcel: str = "") -> None:
    day.add(
        "wms_return_receipts", receipt_id=f"R{order}", order_no=order, tracking_no=parcel, sku="TOY",
        quantity=units, site="LEJ", received_at=f"{on} 12:00", received_zone="UTC",
    )  # fmt: skip


def _scan(day: Day, parcel: str, on: str) -> None:
    day.add("wms_shipment_events", tracking_no=parcel, event_code="dropped_off", event_at=f"{on} 12:00",
            leg="return", carrier="UPS")  # fmt: skip


def _night(date: dt.date) -> None:
    for feed in feeds():
        result = load_feed(feed, date)
        assert [(file.name, file.reason) for file in result.files if file.status != "loaded"] == []
    publish(build_night(date))


def _rows(query: str) -> Rows:
    with connect("auditor") as connection:
        return connection.execute(query).fetchall()


def test_a_receipt_is_the_return_that_was_asked_for() -> None:
    """One return each of A, B, C and F; what doesn't fit in units or in time is another."""
    late = "OUTSIDE_WINDOW"
    assert _rows(LINES) == [
        ("A", "REQ:QA-1", "CLOSED", 1, 0, False, None),
        ("B", "REQ:QB-1", "RECEIVED", 1, 0, False, None),
        ("C", "REQ:QC-1", "RECEIVED", 1, 0, False, late),
        ("D", "RCV:RD", "RECEIVED", 1, 0, True, None),
        ("E", "RCV:RE", "RECEIVED", 1, 0, True, late),
        ("F", "REQ:QF-1", "PARTIALLY_RECEIVED", 1, 1, False, None),
        ("G", "RCV:RG", "RECEIVED", 2, 0, True, late),
        ("G", "REQ:QG-1", "APPROVED", 0, 1, False, None),
        ("H", "RCV:RH", "RECEIVED", 1, 0, True, None),
        ("H", "REQ:QH-1", "APPROVED", 0, 1, False, None),
        ("J", "REQ:QJ-1", "APPROVED", 0, 1, False, late),
        ("K", "RCV:RK", "RECEIVED", 1, 0, True, late),
    ]


def test_how_they_were_joined_stands_with_the_receipt() -> None:
    assert _rows(
        "select attribution, string_agg(receipt_id, ' ' order by receipt_id) from core.fct_receipt"
        " group by attribution order by attribution"
    ) == [("order_line", "RD RE RG RH RK"), ("request", "RA RB RC RF")]


def test_a_memo_and_a_refund_that_name_the_order_line_are_of_the_one_return() -> None:
    """The refund by the order line, and the memo by the refund that it names."""
    assert _rows(
        "select match_rule, return_line_key from core.fct_refund_tender"
        " union all select distinct match_rule, return_line_key from core.fct_credit_memo_component"
    ) == [("order_line", "REQ:QA-1"), ("refund", "REQ:QA-1")]


def test_a_scan_is_of_the_parcel_that_a_receipt_names() -> None:
    assert _rows("select unit_key, return_line_key, tracking_no from core.fct_shipment_event order by 3") == [
        ("D", "RCV:RD", "TD"), ("TRK:TL", None, "TL"),
    ]  # fmt: skip
    assert _rows(
        "select tracking_no, first_scan_at::date::text from core.fct_return_line where order_no = 'D'"
    ) == [("TD", "2026-02-03")]


def test_what_waits_is_open_everywhere_alike() -> None:
    """The missing unit of F since 15 February, G and H since 20 January, J since 10 March.

    What came and was not refunded waits for its money alone, since 1 March at the latest; no unit is open.
    """
    assert _rows(
        "select order_no, next_step, is_overdue, open_quantity from marts.return_tracking"
        " where is_open or is_overdue or next_step is not null order by order_no, next_step"
    ) == [
        ("B", "refund or close", True, 0),
        ("C", "refund or close", True, 0),
        ("D", "refund or close", True, 0),
        ("E", "refund or close", True, 0),
        ("F", "receive the missing units or close the line short", True, 1),
        ("G", "customer hands the parcel to the carrier", True, 1),
        ("G", "refund or close", True, 0),
        ("H", "customer hands the parcel to the carrier", True, 1),
        ("H", "refund or close", True, 0),
        ("J", "customer hands the parcel to the carrier", False, 1),
        ("K", "refund or close", True, 0),
    ]
    assert _rows("select sum(return_lines), sum(open_units) from marts.return_backlog") == [(4, 4)]
    assert _rows(
        "select sum(return_lines), sum(open_units) from marts.open_returns_by_day"
        " where snapshot_date = '2026-03-20'"
    ) == [(4, 4)]
    assert _rows("select sum(open_returns) from marts.customer_overview") == [(4,)]


def test_what_comes_later_joins_as_well(database: Path) -> None:
    """And a night says what all computed anew says."""
    day = Day()
    _receive(day, "J", "2026-03-20")
    _ask(day, "K", "2026-02-01")
    _receive(day, "L", "2026-02-20", parcel="TL")
    day.land(database, SECOND)
    _night(SECOND)
    assert _rows(LINES)[-3:] == [
        ("J", "REQ:QJ-1", "RECEIVED", 1, 0, False, "OUTSIDE_WINDOW"),
        ("K", "REQ:QK-1", "RECEIVED", 1, 0, False, None),
        ("L", "RCV:RL", "RECEIVED", 1, 0, True, None),
    ]
    assert _rows("select unit_key, return_line_key from core.fct_shipment_event order by tracking_no") == [
        ("D", "RCV:RD"), ("L", "RCV:RL"),
    ]  # fmt: skip
    nightly = fingerprints("core", "build", names=KEPT)
    build_night(SECOND, full_refresh=True)
    anew = fingerprints("core", "build", names=KEPT)
    assert len(nightly) > 20
    assert {t: (nightly[t], anew.get(t)) for t in nightly if nightly[t] != anew.get(t)} == {}
