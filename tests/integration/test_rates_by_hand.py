"""A small company by whose rates nobody may be misled; every answer is counted by hand.

The business date is 20 March 2026. A unit is 100.00 and 19.00 of tax, its window 30 days. What ships on
5 January and names no delivery may be at the customer's on the 19th; the window ends on 18 February; a
request takes 2 days, the way to the carrier 14, the way back 14: on 20 March nothing more can come.

| order | of | sold                                | came back                                         |
|-------|----|-------------------------------------|---------------------------------------------------|
| A     | C1 | TOY, 5 January                      | 1, 15 January; the refund names no customer       |
| B     | C1 | TOY, 6 January                      | nothing; final on 21 March                        |
| C     | C1 | TOY, 5 January, here on the 15th    | asked for on 13 February, received on the 25th    |
| D     | C1 | TOY, never shipped                  | 1, 20 January                                     |
| E     | C2 | HAT, 5 January, 2 at 20.00 and 3.80 | 1, 20 January, by C2: inferred; memo and refund   |
| F     | C6 | CUP, 7 January, 4                   | nothing                                           |
| G     | C6 | CUP, 7 January, 4, here 1 February  | nothing                                           |
|       |    |                                     | 3 HAT by nobody known, 20 January                 |
|       | C5 |                                     | 2 HAT by C5, who bought none, for 40.00           |
|       | C6 |                                     | 1 HAT by C6, who bought none, without memo        |
| H     | C7 | TOY, 8 January                      | authorized, never came, refunded at a fee of 2.31 |

A memo of 5.00 names HAT and nothing else. RN is a TOY by nobody known, credited with 50.00 and paid. The
second night brings another, WR, and the memo MW, which is of it and of a refund of 30.00 that had been
known; and order J, whose TOY left with A and came later.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from tests.nights import build_night

pytestmark = pytest.mark.long

FIRST, SECOND = dt.date(2026, 3, 20), dt.date(2026, 3, 21)
LAYOUT = """layouts:
  own:
    file: "{feed}_{{date}}.csv"
    folder: in
    format: csv
    booleans: {{"true": true, "false": false}}
    timestamp: {{format: "%Y-%m-%d %H:%M", zone: UTC}}
    date: {{format: "%Y-%m-%d"}}
"""
FEEDS = (
    "erp_sales_lines", "erp_return_authorizations", "wms_return_receipts", "erp_credit_memos", "crm_refunds",
    "erp_payment_settlements", "erp_items", "crm_customers",
)  # fmt: skip
Rows = list[tuple[Any, ...]]


class Day:
    """Rows that the company's systems hand over on a day."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, feed: str, **row: Any) -> None:
        self.rows.setdefault(feed, []).append(row)

    def sell(
        self, order: str, customer: str, day: str, sku: str = "TOY", units: int = 1, net: str = "100.00",
        tax: str = "19.00", delivered: str = "", is_shipped: bool = True,
    ) -> None:  # fmt: skip
        self.add(
            "erp_sales_lines", order_no=order, line_no=1, ordered_at=f"{day} 08:00",
            shipped_at=f"{day} 10:00" if is_shipped else "",
            delivered_at=delivered and f"{delivered} 10:00", customer_id=customer, channel="web", sku=sku,
            quantity=units, unit_price=Decimal(net) / units, net_amount=net, tax_amount=tax, currency="EUR",
            unit_cost="4.00", ship_from_site="LEJ", is_void="false", updated_at=f"{day} 11:00",
        )  # fmt: skip

    def authorize(self, rma: str, order: str, day: str, sku: str = "TOY") -> None:
        self.add(
            "erp_return_authorizations", rma_no=rma, rma_line_no=1, order_no=order, order_line_no=1, sku=sku,
            quantity_authorized=1, reason_code="CHANGED_MIND", resolution="refund", status="open",
            authorized_at=f"{day} 09:00", is_void="false", updated_at=f"{day} 09:00",
        )  # fmt: skip

    def receive(
        self, receipt: str, day: str, rma: str = "", customer: str = "", sku: str = "TOY", units: int = 1
    ) -> None:
        self.add(
            "wms_return_receipts", receipt_id=receipt, rma_no=rma, customer_id=customer, sku=sku,
            quantity=units, site="LEJ", received_at=f"{day} 10:00", received_zone="Europe/Berlin",
        )  # fmt: skip

    def credit(self, memo: str, day: str, net: str, tax: str = "", **names: str) -> None:
        for component, amount in (("merchandise", net), ("tax", tax)):
            if amount:
                self.add(
                    "erp_credit_memos", memo_no=memo, memo_line_no=1, component=component, amount=amount,
                    currency="EUR", posted_on=day, **names,
                )  # fmt: skip

    def pay(self, refund: str, day: str, amount: str, fee: str = "0.00", **names: str) -> None:
        self.add(
            "crm_refunds", refund_id=refund, tender_no=1, amount=amount, currency="EUR", tender="card",
            status="succeeded", idempotency_key=refund, is_returnless="false", created_at=f"{day} 10:00",
            updated_at=f"{day} 10:00", **names,
        )  # fmt: skip
        net = str(-Decimal(amount) - Decimal(fee))
        for kind, ref, gross, cost, number in (
            ("refund", refund, f"-{amount}", f"-{fee}", f"S{refund}"),
            ("payout", "", net, "0.00", f"P{refund}"),
        ):
            self.add(
                "erp_payment_settlements", settlement_id=number, batch_no=f"B{refund}", type=kind,
                refund_id=ref, gross_amount=gross, fee_amount=cost, net_amount=net, currency="EUR",
                booked_at=f"{day} 12:00", status="succeeded",
            )  # fmt: skip

    def land(self, folder: Path, date: dt.date) -> None:
        for feed, rows in self.rows.items():
            out = io.StringIO()
            writer = csv.DictWriter(
                out, list(dict.fromkeys(name for row in rows for name in row)), restval=""
            )
            writer.writeheader()
            writer.writerows(rows)
            file = folder / "in" / f"{feed}_{date:%Y%m%d}.csv"
            file.parent.mkdir(exist_ok=True)
            file.write_text(out.getvalue(), encoding="utf-8")


def _first_day() -> Day:
    day = Day()
    for sku, category in (("TOY", "TOYS"), ("HAT", "FASHION"), ("CUP", "HOME")):
        day.add(
            "erp_items", sku=sku, style=sku, size="M", description=sku.title(), category=category, brand="Br",
            unit_cost="4.00", list_price="10.00", currency="EUR", weight_g=500, is_serialised="false",
            is_returnable="true", return_window_days=30, restocking_fee_pct="0",
        )  # fmt: skip
    for number in range(1, 8):
        day.add("crm_customers", customer_id=f"C{number}", country="DE", segment="consumer",
                created_at="2020-01-01 00:00")  # fmt: skip
    day.sell("A", "C1", "2026-01-05")
    day.authorize("RA", "A", "2026-01-12")
    day.receive("A1", "2026-01-15", rma="RA")
    day.credit("MA", "2026-01-16", "100.00", "19.00", rma_no="RA", order_no="A", refund_id="FA")
    day.pay("FA", "2026-01-17", "119.00", rma_no="RA", order_no="A")
    day.sell("B", "C1", "2026-01-06")
    day.sell("C", "C1", "2026-01-05", delivered="2026-01-15")
    day.authorize("RC", "C", "2026-02-13")
    day.receive("C1", "2026-02-25", rma="RC")
    day.sell("D", "C1", "2026-01-06", is_shipped=False)
    day.authorize("RD", "D", "2026-01-10")
    day.receive("D1", "2026-01-20", rma="RD")
    day.sell("E", "C2", "2026-01-05", "HAT", 2, "40.00", "7.60")
    day.receive("E1", "2026-01-20", customer="C2", sku="HAT")
    day.credit("ME", "2026-01-21", "20.00", "3.80", receipt_id="E1", refund_id="FE", sku="HAT")
    day.pay("FE", "2026-01-21", "23.80")
    day.sell("F", "C6", "2026-01-07", "CUP", 4, "400.00", "76.00")
    day.sell("G", "C6", "2026-01-07", "CUP", 4, "400.00", "76.00", delivered="2026-02-01")
    day.receive("N3", "2026-01-20", sku="HAT", units=3)
    day.receive("V5", "2026-01-20", customer="C5", sku="HAT", units=2)
    day.credit("MV", "2026-01-21", "40.00", receipt_id="V5", sku="HAT")
    day.receive("V6", "2026-01-20", customer="C6", sku="HAT")
    day.sell("H", "C7", "2026-01-08")
    day.authorize("RH", "H", "2026-01-12")
    day.pay("FH", "2026-01-20", "119.00", fee="2.31", rma_no="RH", order_no="H")
    day.credit("MS", "2026-01-25", "5.00", sku="HAT")
    day.receive("RN", "2026-01-20")
    day.credit("MN", "2026-01-21", "50.00", receipt_id="RN", refund_id="FN", sku="TOY")
    day.pay("FN", "2026-01-22", "50.00")
    day.pay("FW", "2026-01-22", "30.00")
    return day


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("companies") / "by_hand"
    folder.mkdir()
    (folder / "company.yml").write_text("title: By hand\nreporting_currency: EUR\nreason_systems: "
                                        "{erp: canonical, wms: canonical, crm: canonical}\n")  # fmt: skip
    for feed in FEEDS:
        (folder / f"{feed}.yml").write_text(LAYOUT.format(feed=feed))
    (folder / "sites.csv").write_text("site,name,country,zone,currency\nLEJ,Leipzig,DE,UTC,EUR\n")
    return folder


@pytest.fixture(scope="module", autouse=True)
def night(database: Path, company: Path) -> Iterator[None]:
    """What readers see on 20 March."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(company))
        _first_day().land(database, FIRST)
        _night(FIRST)
        yield


def _night(date: dt.date) -> None:
    for feed in feeds():
        result = load_feed(feed, date)
        assert [(file.name, file.reason) for file in result.files if file.status != "loaded"] == []
        assert result.total("quarantined") == 0
    publish(build_night(date))


def _rows(query: str, role: str = "bi_reader") -> Rows:
    with connect(role) as connection:
        return connection.execute(query).fetchall()


def test_what_never_shipped_is_in_no_cohort_and_counts_on_the_day_that_it_came() -> None:
    """A, C, D, E1 and the seven that are blind came: eleven units."""
    assert _rows(
        "select basis, sum(numerator), sum(denominator) from marts.kpi_daily"
        " where kpi = 'product_return_rate' group by basis order by basis"
    ) == [("RETURN", 11, 14), ("SALE", 3, 14)]
    assert _rows(
        "select units_without_sale, units_never_shipped from marts.kpi_completeness"
        " where kpi = 'product_return_rate' and basis = 'SALE'"
    ) == [(7, 1)]


def test_a_channel_is_spelt_as_the_contract_spells_it() -> None:
    assert _rows("select distinct channel from marts.sales_lines") == [("WEB",)]


def test_a_cohort_is_final_when_what_was_asked_for_in_time_can_have_come() -> None:
    """C is here on the 15th: 30 + 2 + 14 + 14 days later is 16 March, and what it brought came before."""
    assert _rows("select order_no, mature_on::text, is_mature from marts.sales_lines order by order_no") == [
        ("A", "2026-03-20", True), ("B", "2026-03-21", False),
        # of one cohort with A: it is final when all of it is
        ("C", "2026-03-20", True), ("E", "2026-03-20", True),
        # G had until 2 April, F until 22 March
        ("F", "2026-04-02", False), ("G", "2026-04-02", False), ("H", "2026-03-23", False),
    ]  # fmt: skip


def test_the_star_and_the_kpi_have_one_headline() -> None:
    """Final: A, C and the two of E; of them A, C and one of E came back."""
    star = _rows(
        "select sum(returned_quantity), sum(shipped_quantity) from marts.sales_lines where is_mature"
    )
    kpi = _rows(
        "select sum(numerator), sum(denominator) from marts.kpi_daily_by_sale"
        " where kpi = 'product_return_rate'"
    )
    assert star == kpi == [(3, 4)]


def test_what_stays_blind_counts_in_the_rate_of_its_product() -> None:
    assert _rows(
        "select sku, shipped_quantity, returned_quantity, unattributed_quantity, return_rate, completeness"
        " from marts.product_return_rates order by sku"
    ) == [
        ("CUP", 8, 0, 0, Decimal("0.000000"), "complete"),
        ("HAT", 2, 7, 6, Decimal("3.500000"), "partly"),
        ("TOY", 4, 4, 2, Decimal("1.000000"), "partly"),
    ]


def test_a_customer_has_what_came_back_under_its_number() -> None:
    """C1 sent A, C and D, which never shipped; C5 bought nothing; C6 has no memo: no value, not 0."""
    assert _rows(
        "select marts.customer_of('C' || n) = o.customer_id, purchased_units, returned_units, returned_value,"
        " unit_return_rate, refunded_value from generate_series(1, 7) as n"
        " inner join marts.customer_overview as o on o.customer_id = marts.customer_of('C' || n)"
        " where n in (1, 2, 5, 6, 7) order by n",
        "auditor",
    ) == [
        (True, 3, 3, Decimal("300.00"), Decimal("1.0000"), Decimal("119.00")),
        (True, 2, 1, Decimal("20.00"), Decimal("0.5000"), Decimal("23.80")),
        (True, 0, 2, Decimal("40.00"), None, Decimal("0.00")),
        (True, 8, 1, None, Decimal("0.1250"), Decimal("0.00")),
        (True, 1, 0, Decimal("0.00"), Decimal("0.0000"), Decimal("119.00")),
    ]


def test_times_that_nothing_tells_are_null_with_a_reason() -> None:
    """Nobody disposes of goods here as far as the feeds tell, and nobody asks."""
    assert _rows(
        "select p50_hours, p90_hours, completeness, completeness_reason"
        " from marts.dock_to_disposition_overall"
    ) == [(None, None, "lacking", "needs wms_dispositions (not carried)")]
    assert _rows("select completeness, completeness_reason from marts.return_cycle_time_overall") == [
        ("partly", "does not count wms_dispositions (not carried)")
    ]


def test_a_memo_belongs_to_its_receipt_also_where_it_names_a_refund() -> None:
    assert _rows(
        "select memo_no, match_rule, return_line_key from core.fct_credit_memo_component"
        " where memo_no in ('ME', 'MN') group by 1, 2, 3 order by 1",
        "auditor",
    ) == [("ME", "receipt", "RCV:E1"), ("MN", "receipt", "RCV:RN")]
    assert _rows(
        "select group_key, entitled_amount, credited_amount, paid_amount, is_reconciled"
        " from finance.refund_reconciliation where group_key in ('REF:FE', 'RCV:E1', 'RCV:RN', 'REF:FN')"
        " or credited_amount in (23.80, 50.00) order by credited_amount",
        "auditor",
    ) == [
        ("RCV:E1", Decimal("23.80"), Decimal("23.80"), Decimal("23.80"), True),
        ("RCV:RN", Decimal("50.00"), Decimal("50.00"), Decimal("50.00"), True),
    ]


def test_a_memo_that_names_a_product_alone_is_of_its_category() -> None:
    assert _rows(
        "select sku, product_category, sum(credited_amount) from marts.product_returns"
        " group by sku, product_category having sum(credited_amount) <> 0 order by sku"
    ) == [("HAT", "FASHION", Decimal("68.80")), ("TOY", "TOYS", Decimal("169.00"))]


def test_every_cost_of_a_return_is_in_the_kpi() -> None:
    (costs,) = _rows("select sum(reporting_amount) from marts.return_costs")[0]
    (kpis,) = _rows(
        "select sum(numerator) from marts.kpi_cells"
        " where kpi in ('cost_per_return', 'return_cost_in_process')",
        "auditor",
    )[0]
    fee = _rows(
        "select reporting_amount from marts.return_costs where component = 'payment_fee'"
        " and reporting_amount <> 0"
    )
    # as counted: no disposition has told which units are closed, so that kpi_daily shows neither
    assert fee == [(Decimal("2.31"),)]
    assert costs == kpis


def test_what_comes_later_joins_the_receipt_and_puts_its_cohort_off(database: Path) -> None:
    """J was delivered on 10 February, so that something of its cohort may come until 11 April."""
    day = Day()
    day.sell("J", "C3", "2026-01-05", delivered="2026-02-10")
    day.receive("WR", "2026-01-20")
    day.credit("MW", "2026-01-21", "30.00", receipt_id="WR", refund_id="FW", sku="TOY")
    day.land(database, SECOND)
    _night(SECOND)
    cohort = _rows(
        "select order_no, mature_on::text, is_mature from marts.sales_lines"
        " where order_no in ('A', 'C', 'J', 'E', 'B') order by order_no"
    )
    assert cohort == [
        ("A", "2026-04-11", False), ("B", "2026-03-21", True), ("C", "2026-04-11", False),
        ("E", "2026-03-20", True), ("J", "2026-04-11", False),
    ]  # fmt: skip
    assert _rows(
        "select group_key, entitled_amount, credited_amount, paid_amount, is_reconciled"
        " from finance.refund_reconciliation where paid_amount = 30.00",
        "auditor",
    ) == [("RCV:WR", Decimal("30.00"), Decimal("30.00"), Decimal("30.00"), True)]
    star = _rows(
        "select sum(returned_quantity), sum(shipped_quantity) from marts.sales_lines where is_mature"
    )
    kpi = _rows(
        "select sum(numerator), sum(denominator) from marts.kpi_daily_by_sale"
        " where kpi = 'product_return_rate'"
    )
    assert star == kpi == [(1, 3)]
