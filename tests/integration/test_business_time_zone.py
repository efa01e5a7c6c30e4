"""A company in California, whose evening is the next day in UTC; counted by hand.

Order A is sold for 100.00 + 19 % and refunded on 31 December at 20:00, which is 04:00 of 1 January in UTC.
Memo and journal carry the day of the ERP in California. B, C and D come back around the change of the
clocks: on 8 March 2026 at 02:00 they go forward, on 1 November 2026 back.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revlog.companies.company import COMPANIES
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from tests.nights import build_night

pytestmark = pytest.mark.long

DAY = dt.date(2026, 11, 30)
AMOUNT = Decimal("119.00")
SALES = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;discount_amount;"
    "net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;ship_from_site;is_void;updated_at\n"
)
REFUNDED_AT = "2026-01-01T04:00:00"
# When it came back, and the day that California had.
RECEIVED = {
    "B": ("2026-03-08T07:59:59+00:00", dt.date(2026, 3, 7)),
    "C": ("2026-03-09T06:59:59+00:00", dt.date(2026, 3, 8)),  # a day of 23 hours
    "D": ("2026-11-02T07:59:59+00:00", dt.date(2026, 11, 1)),  # a day of 25 hours
}


@pytest.fixture(scope="module", autouse=True)
def night(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The company of California after one night."""
    company = tmp_path_factory.mktemp("companies") / "california"
    shutil.copytree(COMPANIES / "simulated", company)
    profile = company / "company.yml"
    profile.write_text(profile.read_text() + "time_zone: America/Los_Angeles\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPANY", str(company))
        _write(database)
        for feed in feeds():
            result = load_feed(feed, DAY)
            assert [file.reason for file in result.files if file.status != "loaded"] == []
            assert result.total("quarantined") == 0
        build_night(DAY)


def test_a_refund_of_new_years_eve_is_of_the_old_year() -> None:
    with connect("auditor") as connection:
        paid = connection.execute(
            "select booked_at, booked_on from core.fct_settlement where type = 'refund'"
        )
        assert paid.fetchall() == [(dt.datetime(2026, 1, 1, 4, tzinfo=dt.UTC), dt.date(2025, 12, 31))]
        days = connection.execute(
            "select distinct period_date from build.kpi_daily where kpi = 'refund_rate' and basis = 'REFUND'"
            " and numerator <> 0"
        )
        assert days.fetchall() == [(dt.date(2025, 12, 31),)]


def test_it_makes_no_cut_off() -> None:
    with connect("auditor") as connection:
        legs = connection.execute(
            "select credited_amount, paid_amount, posted_amount from build.refund_reconciliation"
            " where order_no = 'A'"
        ).fetchall()
        gaps = connection.execute(
            "select gap, class, period, amount from build.refund_gap_periods where class = 'CUTOFF'"
        ).fetchall()
    assert legs == [(AMOUNT, AMOUNT, AMOUNT)]
    assert gaps == []


def test_days_of_23_and_25_hours_end_when_their_clock_says() -> None:
    with connect("auditor") as connection:
        found = connection.execute("select order_no, received_on from core.fct_receipt order by order_no")
        assert dict(found.fetchall()) == {order: day for order, (_, day) in RECEIVED.items()}


def _write(landing: Path) -> None:
    rows = "".join(
        f"{order};1;01.12.2025 08:00:00;02.12.2025 20:00:00;K1;web;TEE;1;100,00;;100,00;19,00;;EUR;;;;LEJ;;"
        "02.12.2025 20:00:00\n"
        for order in ("A", *RECEIVED)
    )
    _put(landing, "erp/erp_sales_lines_20261130.csv", SALES + rows)
    _put(landing, "wms/wms_return_receipts_20261130.jsonl", [
        {"receipt_id": order, "order_no": order, "sku": "TEE", "quantity": 1, "site": "LEJ",
         "received_at": at[:19], "received_zone": "UTC"}
        for order, (at, _) in RECEIVED.items()
    ])  # fmt: skip
    _put(landing, "crm/crm_refunds_20261130.jsonl", [
        {"refund_id": "F1", "tender_no": 1, "order_no": "A", "order_line_no": 1, "customer_id": "K1",
         "amount": str(AMOUNT), "currency": "EUR", "tender": "card", "status": "succeeded",
         "is_returnless": False,
         "created_at": f"{REFUNDED_AT}+00:00", "updated_at": f"{REFUNDED_AT}+00:00"}
    ])  # fmt: skip
    _put(landing, "erp/erp_payment_settlements_20261130.csv", (
        "settlement_id,batch_no,type,refund_id,gross_amount,fee_amount,net_amount,currency,settled_amount,"
        "settled_currency,fx_rate,booked_at,status\n"
        f"S1,B1,refund,F1,-{AMOUNT},0.00,-{AMOUNT},EUR,-{AMOUNT},EUR,1,{REFUNDED_AT}Z,succeeded\n"
        f"S2,B1,payout,,-{AMOUNT},0.00,-{AMOUNT},EUR,-{AMOUNT},EUR,1,{REFUNDED_AT}Z,succeeded\n"
        f"TRAILER,2,-{2 * AMOUNT},,,,,,,,,,\n"
    ))  # fmt: skip
    components = "".join(
        f'<line no="1"><order_no>A</order_no><order_line_no>1</order_line_no>'
        f'<component code="{code}">{amount}</component></line>'
        for code, amount in (("merchandise", "100.00"), ("tax", "19.00"))
    )
    _put(landing, "erp/erp_credit_memos_20261130.xml", (
        f'<memos records="2" total="{AMOUNT}" extracted_at="2026-11-30T23:00:00Z"><memo no="M1">'
        f"<refund_id>F1</refund_id><currency>EUR</currency><posted_on>2025-12-31</posted_on>{components}"
        "</memo></memos>"
    ))  # fmt: skip
    _put(landing, "erp/erp_gl_entries_20261130.txt", _journal())


def _journal() -> str:
    def line(no: int, account: str, amount: Decimal, document: str) -> str:
        sign = "-" if amount < 0 else " "
        return (
            f"{'J1':<16}{no:>9}20251231{'2025-12':<7}{account:<6}{f'{abs(amount)}{sign}':>16}EUR"
            f"{document:<24}{'refund':<40}\n"
        )

    lines = [
        ("480100", Decimal("100.00"), "M1"), ("177600", Decimal("19.00"), "M1"), ("176200", -AMOUNT, "M1"),
        ("176200", AMOUNT, "F1"), ("136100", -AMOUNT, "F1"),
    ]  # fmt: skip
    body = "".join(line(no, *rest) for no, rest in enumerate(lines, start=1))
    return body + f"{'TRAILER':<16}{len(lines):>9}{'':8}{'':7}{'':6}{'0.00 ':>16}\n"


def _put(landing: Path, name: str, content: str | list[dict[str, Any]]) -> None:
    file = landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    file.write_text(text, encoding="utf-8" if name.endswith(".xml") else "latin-1")
    file.with_name(file.name + ".done").touch()
