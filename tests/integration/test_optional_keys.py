"""A company whose returns name their order and SKU, but neither order line nor RMA line; counted by hand.

| order | line  | sold         | came back                                                 |
|-------|-------|--------------|-----------------------------------------------------------|
| A     | 1, 2  | 2 TEE, 1 JEAN | both TEE and the JEAN by one request, one RMA, two receipts |
| B     | 1     | 1 TEE        | approved, not received                                    |
| C     | 1, 2  | 1 MUG, 1 MUG  | one MUG: either line, so it stays open                     |
| D     | 1, 2  | 1 CAP, 1 CAP  | shipped on the 3rd and the 20th; one asked for on the 10th  |
| E     | 1     | 1 TEE        | asked for without naming the order, which only its RMA does |
| F     | 1     | 1 TEE        | its receipt names the order and not the RMA               |
| G     | 1     | 2 TEE        | one allowed: a receipt names the RMA, the other the order |
| H     | 1     | 3 TEE        | two allowed without request: receipts of 1 and 2 name the order |
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from tests.nights import build_night

pytestmark = pytest.mark.long

DAY = dt.date(2026, 1, 31)
SALES = (
    "order_no;line_no;ordered_at;shipped_at;customer_id;channel;sku;quantity;unit_price;discount_amount;"
    "net_amount;tax_amount;shipping_amount;currency;unit_cost;lot_no;serial_nos;ship_from_site;is_void;updated_at\n"
)


@pytest.fixture(scope="module")
def lines(database: Path) -> dict[str, dict[str, Any]]:
    """Return lines of core, by key, after a full build of the company's files."""
    _write(database)
    for feed in feeds():
        load_feed(feed, DAY)
    build_night(DAY)
    with connect("auditor") as connection:
        cursor = connection.execute("select * from core.fct_return_line")
        assert cursor.description
        names = [column.name for column in cursor.description]
        return {row[names.index("return_line_key")]: dict(zip(names, row, strict=True)) for row in cursor}


def test_a_request_and_its_rma_are_one_return_line(lines: dict[str, dict[str, Any]]) -> None:
    assert sorted(lines) == [
        "RCV:8", "RCV:H2", "REQ:QA-1", "REQ:QA-2", "REQ:QB-1", "REQ:QC-1", "REQ:QD-1", "REQ:QE-1", "REQ:QF-1",
        "REQ:QG-1", "RMA:RH-1",
    ]  # fmt: skip


def test_the_order_line_is_the_one_that_holds_the_sku(lines: dict[str, dict[str, Any]]) -> None:
    said = ("order_no", "order_line_no", "order_line_rule")
    assert {key: tuple(line[name] for name in said) for key, line in lines.items()} == {
        "REQ:QA-1": ("A", 1, "only_line_of_sku"),
        "REQ:QA-2": ("A", 2, "only_line_of_sku"),
        "REQ:QB-1": ("B", 1, "only_line_of_sku"),
        "REQ:QC-1": ("C", None, "ambiguous"),
        "REQ:QD-1": ("D", 1, "nearest_line_of_sku"),
        "REQ:QE-1": ("E", 1, "only_line_of_sku"),
        "REQ:QF-1": ("F", 1, "only_line_of_sku"),
        "REQ:QG-1": ("G", 1, "only_line_of_sku"),
        "RCV:8": ("G", 1, "only_line_of_sku"),
        "RMA:RH-1": ("H", 1, "only_line_of_sku"),
        "RCV:H2": ("H", 1, "only_line_of_sku"),
    }  # fmt: skip


def test_each_unit_is_received_once_on_its_own_line(lines: dict[str, dict[str, Any]]) -> None:
    assert {key: line["received_quantity"] for key, line in lines.items()} == {
        "REQ:QA-1": 2, "REQ:QA-2": 1, "REQ:QB-1": 0, "REQ:QC-1": 1, "REQ:QD-1": 1, "REQ:QE-1": 1,
        # One of the two of H is left, and 2 came at once.
        "REQ:QF-1": 1, "REQ:QG-1": 1, "RCV:8": 1, "RMA:RH-1": 1, "RCV:H2": 2,
    }  # fmt: skip


def test_a_receipt_that_names_the_order_belongs_to_the_rma_that_is_open(
    lines: dict[str, dict[str, Any]],
) -> None:
    with connect("auditor") as connection:
        found = connection.execute(
            "select receipt_id, attribution, rma_no, is_blind from core.fct_receipt"
            " where order_no in ('F', 'G', 'H') order by receipt_id"
        ).fetchall()
    assert found == [
        ("6", "rma_of_order", "RF", False), ("7", "rma", "RG", False), ("8", "order_line", None, True),
        ("H1", "rma_of_order", "RH", False), ("H2", "order_line", None, True),
    ]  # fmt: skip


def test_what_was_received_entitles_to_what_was_paid(lines: dict[str, dict[str, Any]]) -> None:
    with connect("auditor") as connection:
        found = connection.execute(
            "select return_line_key, sum(entitled_amount) from core.fct_refund_entitlement"
            " group by return_line_key order by return_line_key"
        ).fetchall()
    # 2 TEE at 10 + 19 %, a JEAN at 50 + 19 %, a CAP at 20 + 19 %, else a TEE at 10 + 19 % each
    assert found == [
        ("RCV:8", Decimal("11.90")), ("RCV:H2", Decimal("23.80")),
        ("REQ:QA-1", Decimal("23.80")), ("REQ:QA-2", Decimal("59.50")), ("REQ:QD-1", Decimal("23.80")),
        ("REQ:QE-1", Decimal("11.90")), ("REQ:QF-1", Decimal("11.90")), ("REQ:QG-1", Decimal("11.90")),
        ("RMA:RH-1", Decimal("11.90")),
    ]  # fmt: skip


def test_a_refund_of_the_whole_order_is_no_orphan_and_no_over_refund(
    lines: dict[str, dict[str, Any]],
) -> None:
    with connect("auditor") as connection:
        found = connection.execute(
            "select entitled_amount, paid_amount from build.refund_reconciliation where order_no = 'A'"
        ).fetchall()
    assert found == [(Decimal("83.30"), Decimal("83.30"))]


def test_units_that_came_back_over_units_shipped(lines: dict[str, dict[str, Any]]) -> None:
    with connect("auditor") as connection:
        shipped, returned = connection.execute(
            "select sum(shipped_quantity), sum(received_quantity) from core.fct_sales_line"
        ).fetchone() or (None, None)
    # 3 of A, 1 of D, 1 of E, 1 of F, 2 of G and 3 of H; the MUG of C is of either line and stands with none.
    assert (shipped, returned) == (15, 11)


def _write(landing: Path) -> None:
    sold = [
        ("A", 1, 1, "TEE", 2, 10), ("A", 2, 1, "JEAN", 1, 50), ("B", 1, 1, "TEE", 1, 10),
        ("C", 1, 1, "MUG", 1, 8), ("C", 2, 1, "MUG", 1, 8), ("D", 1, 3, "CAP", 1, 20),
        ("D", 2, 20, "CAP", 1, 20), ("E", 1, 1, "TEE", 1, 10), ("F", 1, 1, "TEE", 1, 10),
        ("G", 1, 1, "TEE", 2, 10), ("H", 1, 1, "TEE", 3, 10),
    ]  # fmt: skip
    rows = "".join(
        f"{order};{line};01.01.2026 08:00:00;{day:02}.01.2026 10:00:00;K1;web;{sku};{units};{price},00;;"
        f"{units * price},00;{_comma(units * price * 19)};;EUR;;;;LEJ;;21.01.2026 10:00:00\n"
        for order, line, day, sku, units, price in sold
    )
    _put(landing, "erp/erp_sales_lines_20260131.csv", SALES + rows)
    asked = [
        ("QA", 1, "A", "TEE", 2, 5), ("QA", 2, "A", "JEAN", 1, 5), ("QB", 1, "B", "TEE", 1, 5),
        ("QC", 1, "C", "MUG", 1, 5), ("QD", 1, "D", "CAP", 1, 10), ("QE", 1, None, "TEE", 1, 5),
        ("QF", 1, "F", "TEE", 1, 5), ("QG", 1, "G", "TEE", 1, 5),
    ]  # fmt: skip
    _put(landing, "crm/crm_return_requests_20260131.jsonl", [
        {"request_id": request, "request_line": line, "order_no": order, "customer_id": "K1", "sku": sku,
         "quantity": units, "reason_code": "01", "desired_resolution": "refund", "status": "approved",
         "requested_at": f"2026-01-{day:02}T10:00:00+00:00", "decided_at": f"2026-01-{day:02}T11:00:00+00:00",
         "updated_at": f"2026-01-{day:02}T11:00:00+00:00"}
        for request, line, order, sku, units, day in asked
    ])  # fmt: skip
    header = (
        "rma_no,rma_line_no,order_no,order_line_no,request_id,sku,quantity_authorized,reason_code,resolution,"
        "status,authorized_at,expires_at,tracking_no,is_void,updated_at\n"
    )
    # The RMA of A lists its lines the other way round.
    authorized = [
        ("RA", 1, "A", "QA", "JEAN", 1, 6), ("RA", 2, "A", "QA", "TEE", 2, 6),
        ("RB", 1, "B", "QB", "TEE", 1, 6), ("RC", 1, "C", "QC", "MUG", 1, 6),
        ("RD", 1, "D", "QD", "CAP", 1, 11), ("RE", 1, "E", "QE", "TEE", 1, 6),
        ("RF", 1, "F", "QF", "TEE", 1, 6), ("RG", 1, "G", "QG", "TEE", 1, 6), ("RH", 1, "H", "", "TEE", 2, 6),
    ]  # fmt: skip
    _put(landing, "erp/erp_return_authorizations_20260131.csv", header + "".join(
        f"{rma},{line},{order},,{request},{sku},{units},01,refund,open,"
        f"2026-01-{day:02}T10:00:00Z,,T{rma},false,2026-01-{day:02}T10:00:00Z\n"
        for rma, line, order, request, sku, units, day in authorized
    ))  # fmt: skip
    received = [
        ("1", "RA", "TEE", 2), ("2", "RA", "JEAN", 1), ("3", "RC", "MUG", 1), ("4", "RD", "CAP", 1),
        ("5", "RE", "TEE", 1), ("7", "RG", "TEE", 1),
    ]  # fmt: skip
    _put(landing, "wms/wms_return_receipts_20260131.jsonl", [
        {"receipt_id": number, "rma_no": rma, "tracking_no": f"T{rma}", "sku": sku, "quantity": units,
         "site": "LEJ", "received_at": "2026-01-25T10:00:00", "received_zone": "Europe/Berlin"}
        for number, rma, sku, units in received
    ] + [
        {"receipt_id": number, "order_no": order, "sku": "TEE", "quantity": units, "site": "LEJ",
         "received_at": f"2026-01-{day}T10:00:00", "received_zone": "Europe/Berlin"}
        for number, order, units, day in (
            ("6", "F", 1, 25), ("8", "G", 1, 24), ("H1", "H", 1, 25), ("H2", "H", 2, 26),
        )
    ])  # fmt: skip
    _put(landing, "crm/crm_refunds_20260131.jsonl", [
        {"refund_id": "F1", "tender_no": 1, "request_id": "QA", "order_no": "A", "customer_id": "K1",
         "amount": "83.30", "currency": "EUR", "tender": "card", "status": "succeeded",
         "is_returnless": False,
         "created_at": "2026-01-26T10:00:00+00:00", "updated_at": "2026-01-26T10:00:00+00:00"}
    ])  # fmt: skip
    _put(landing, "erp/erp_payment_settlements_20260131.csv", (
        "settlement_id,batch_no,type,refund_id,gross_amount,fee_amount,net_amount,currency,settled_amount,"
        "settled_currency,fx_rate,booked_at,status\n"
        "S1,B1,refund,F1,-83.30,0.00,-83.30,EUR,-83.30,EUR,1,2026-01-27T10:00:00Z,succeeded\n"
        "S2,B1,payout,,-83.30,0.00,-83.30,EUR,-83.30,EUR,1,2026-01-27T10:00:00Z,succeeded\n"
        "TRAILER,2,-166.60,,,,,,,,,,\n"
    ))  # fmt: skip


def _comma(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def _put(landing: Path, name: str, content: str | list[dict[str, Any]]) -> None:
    file = landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
    file.write_text(text, encoding="latin-1")
    file.with_name(file.name + ".done").touch()
