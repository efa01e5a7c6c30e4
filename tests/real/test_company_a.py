"""A shop's exports of two months, through the shipped company `shop_example`: a whole night, against what the
exports' own page counts from the files by plain Python."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from rich.console import Console

from revlog.config.settings import ROOT
from revlog.database.connections import connect
from revlog.maintenance import migrate
from revlog.night import stages
from revlog.reports import finance_page
from revlog.reports.carried import lacking
from revlog.reports.reconciliation import read_reconciliation
from revlog.reports.scorecard_rows import read_scorecard_rows
from revlog.reports.summary import print_summary
from revlog.reports.workbook import write_workbook

EXPORTS = Path(os.environ.get("EXPORTS") or ROOT.parent / "shared" / "data" / "exports")
FILES = EXPORTS / "company_a"
# Shopify and Stripe give the same records in other forms, too: the shop exports each once.
EXPORTED = (
    "shopify/orders_export_1.csv", "shopify/refunds.json", "stripe/Itemized_payout_reconciliation_*.csv",
    "loop/returns-line-items-export.csv", "3pl/return_receipts_20260131.csv", "fedex/FEDEX_INVOICE_*.csv",
)  # fmt: skip
# The last refunds are of 5 February.
NIGHT = dt.date(2026, 2, 6)
pytestmark = [
    pytest.mark.skipif(not FILES.is_dir(), reason=f"the exports are not in {FILES}; set EXPORTS"),
    pytest.mark.long,
]


@pytest.fixture(scope="module")
def told(database: Path) -> Iterator[str]:
    """One night over the files, exported on its morning; yields what the night said."""
    morning = dt.datetime.combine(NIGHT, dt.time(9), dt.UTC).timestamp()
    for pattern in EXPORTED:
        [source] = FILES.glob(pattern)
        target = database / source.relative_to(FILES)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        os.utime(target, (morning, morning))
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", "shop_example")
        patch.setenv("LANDING_SETTLE_SECONDS", "0")
        migrate.migrate()
        stages.whole_night(NIGHT.isoformat(), lambda line: lines.append(str(line)))
        yield "\n".join(lines)


def _rows(query: str, role: str = "finance_reader") -> list[tuple[Any, ...]]:
    with connect(role) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def _kpi(kpi: str, basis: str, where: str = "true") -> tuple[Decimal, Decimal]:
    [(numerator, denominator)] = _rows(
        "select sum(numerator), sum(denominator) from marts.kpi_daily"
        f" where kpi = '{kpi}' and basis = '{basis}' and {where}"
    )
    return numerator, denominator


def test_all_gates_pass_and_the_night_is_published(told: str) -> None:
    assert told.count(" 0 critical failed") == 3
    assert [row[0] for row in _rows("select business_date from marts.publication")] == [NIGHT]
    assert "quarantined, 0 duplicate" in told and " 0 quarantined" in told
    assert "0 files that no layout takes" in told


def test_orders_and_what_was_sold(told: str) -> None:
    assert _rows(
        "select count(distinct order_no), count(distinct order_no) filter (where not is_void),"
        " count(*), sum(quantity) filter (where not is_void) from core.fct_sales_line",
        "auditor",
    ) == [(160, 158, 281, 350)]
    # The units and net value that the published rates divide by.
    assert _kpi("product_return_rate", "SALE")[1] == 350
    assert _kpi("return_value_rate", "SALE")[1] == Decimal("16334.63")
    assert _kpi("order_return_rate", "SALE")[1] == 158


def test_returns_are_open_or_closed_as_the_shop_knows_them(told: str) -> None:
    assert _rows(
        "select count(distinct rma_no), count(*), sum(approved_quantity) from marts.return_tracking"
    ) == [(52, 64, 71)]
    assert _rows(
        "select resolution, count(distinct rma_no) from marts.return_tracking group by 1 order by 1"
    ) == [("refund", 44), ("store_credit", 8)]
    assert _rows(
        "select status, count(distinct rma_no), min(next_step) from marts.return_tracking"
        " group by 1 order by 1"
    ) == [("CLOSED", 45, None), ("RECEIVED", 7, "refund or close")]


def test_units_received_and_the_rates(told: str) -> None:
    assert _rows(
        "select to_char(first_received_at, 'YYYY-MM'), sum(received_quantity) from marts.return_tracking"
        " group by 1 order by 1"
    ) == [("2025-12", 20), ("2026-01", 51)]
    assert _kpi("product_return_rate", "SALE") == (71, 350)
    assert _kpi("product_return_rate", "RETURN") == (71, 350)
    assert _kpi("product_return_rate", "RETURN", "period_date < '2026-01-01'")[0] == 20
    assert _kpi("order_return_rate", "SALE") == (52, 158)
    units = _rows("select sum(returned_quantity), sum(shipped_quantity) from marts.product_returns")
    assert units == [(71, 350)]


def test_refunds_and_what_they_are_made_of(told: str) -> None:
    assert _rows(
        "select sum(credited_amount), sum(paid_amount), sum(issued_amount), sum(refunds), sum(settlements)"
        " from finance.refund_reconciliation"
    ) == [(Decimal("2724.90"), Decimal("2724.90"), Decimal("2724.90"), 38, 38)]
    assert _rows(
        "select component, sum(amount) from finance.refund_documents where leg = 'M' group by 1 order by 1"
    ) == [
        ("merchandise", Decimal("2583.64")),
        ("restocking_fee", Decimal("-65.45")),
        ("tax", Decimal("206.71")),
    ]  # fmt: skip
    assert _rows("select sum(refunded_quantity) from marts.return_tracking") == [(53,)]
    assert _kpi("refund_rate", "REFUND") == (Decimal("2724.90"), Decimal("18260.31"))
    assert _rows(
        "select document_no, amount from finance.refund_documents where leg = 'P' and period = '2026-02'"
        " order by amount desc"
    ) == [(settlement, Decimal(amount)) for settlement, amount in _stripe_of_february()]


def _stripe_of_february() -> list[tuple[str, str]]:
    """Numbers of Stripe's two movements of February, from its report."""
    [report] = FILES.glob("stripe/Itemized_*.csv")
    rows = [line.replace('"', "").split(",") for line in report.read_text().splitlines()]
    return [
        (row[3], row[9].lstrip("-")) for row in rows if row[4].startswith("2026-02") and row[12] == "refund"
    ]


def test_what_stripe_moved(told: str) -> None:
    assert _rows(
        "select type, count(*), sum(gross_amount), sum(fee_amount) from core.fct_settlement"
        " group by 1 order by 1",
        "auditor",
    ) == [
        ("charge", 158, Decimal("18260.31"), Decimal("-577.02")),
        ("dispute", 1, Decimal("-128.52"), Decimal("-15.00")),
        ("refund", 38, Decimal("-2724.90"), Decimal("0.00")),
    ]  # fmt: skip


def test_what_fedex_charged(told: str) -> None:
    assert _rows(
        "select count(distinct unit_key), sum(amount) from core.fct_cost_line where component = 'freight'",
        "auditor",
    ) == [(52, Decimal("567.84"))]


def test_nothing_is_refunded_twice_or_beyond_its_order(told: str) -> None:
    assert _kpi("over_refund_amount", "REFUND") == (0, Decimal("2724.90"))
    classes = {row[0] for row in _rows("select class from finance.refund_exceptions")}
    assert not classes & {
        "DUPLICATE", "QUANTITY", "PRICE_OR_DISCOUNT", "TAX", "SHIPPING", "OVERPAYMENT",
        "ISSUED_AMOUNT", "UNEXPLAINED",
    }  # fmt: skip
    assert _rows(
        "select count(*) from finance.refund_reconciliation where pattern in ('0100', '0010', '0110')"
    ) == [(0,)]


def test_a_ledger_that_the_shop_lacks_is_not_carried_and_nowhere_missed(told: str, tmp_path: Path) -> None:
    # 38 refunds, each with all lines of its return, and 17 lines of 14 returns that nothing was paid for.
    assert _rows(
        "select legs_not_carried, count(*), count(posted_amount), count(ledger_gap), count(memo_ledger_gap)"
        " from finance.refund_reconciliation group by 1"
    ) == [("G, GM", 55, 0, 0, 0)]
    for table in ("refund_exceptions", "refund_gap_periods", "refund_proof", "reconciliation_rollforward"):
        assert _rows(f"select count(*) from finance.{table} where gap in ('P-G', 'M-G')") == [(0,)], table
    told_of = read_reconciliation().lacks
    assert told_of.startswith("Not carried: cash in the ledger, memos in the ledger.")
    assert told_of in finance_page.page(read_reconciliation(), [])
    sheet = load_workbook(write_workbook("2026-01", tmp_path / "refunds.xlsx"))["Summary"]
    head, *rows = (
        [cell.value for cell in row] for row in sheet.iter_rows() if row[1].value in ("Currency", "USD")
    )
    legs = dict(zip(head, rows[0], strict=True))
    assert {name for name, value in legs.items() if value == "not carried"} == {
        "Cash in the ledger (G)", "Memos in the ledger (GM)", "P − G", "M − G",
    }  # fmt: skip


def test_a_unit_takes_six_days_from_request_to_receipt(told: str) -> None:
    # Whole hours of each of the 71 units, from Loop's and the warehouse's files: 10,176, half within 144.
    assert _kpi("return_cycle_time", "REQUEST") == (10176, 71)
    assert _rows("select units, events, censored, p50_hours from marts.return_cycle_time_overall") == [
        (71, 71, 0, 144)
    ]
    assert _rows("select count(*) from marts.return_backlog") == [(0,)]


def test_the_night_says_which_feeds_the_shop_does_not_carry(told: str) -> None:
    rows = read_scorecard_rows()
    lacks = {row["kpi"]: lacking(row) for row in rows.definitions}
    carried = {kpi for kpi, lack in lacks.items() if not lack}
    assert carried >= {
        "product_return_rate", "order_return_rate", "return_value_rate", "refund_rate", "return_cycle_time",
        "over_refund_amount", "refund_lead_time",
    }  # fmt: skip
    assert lacks["restock_rate"] == ("wms_dispositions",)
    assert lacks["cost_per_return.inspection"] == ("wms_inspections", "wms_dispositions")
    no_scans = "does not count wms_shipment_events (not carried)"
    costs = "wms_inspections (not carried), wms_work_orders (not carried), crm_cases (not carried)"
    assert {row["kpi"]: row["reason"] for row in rows.definitions if row["completeness"] == "partly"} == {
        "refund_lead_time": no_scans,
        "refund_late_share": no_scans,
        "return_cycle_time": "does not count wms_dispositions (not carried)",
        "return_cost_in_process": f"does not count {costs}",
    }
    console = Console(record=True, width=120, highlight=False)
    print_summary(console, 1.0, did_work=False)
    text = console.export_text()
    assert "Product return rate" in text and "71" in text
