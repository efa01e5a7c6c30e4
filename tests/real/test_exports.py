"""Exports as real systems write them, through the ready layouts, against what their page counts."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from revlog.config.settings import ROOT
from tests.ready import Brought, brought

FILES = Path(os.environ.get("EXPORTS") or ROOT.parent / "shared" / "data" / "exports")
COMPANY, SINGLES = FILES / "company_a", FILES / "singles"
SETTLEMENTS, SALES, RMAS = "erp_payment_settlements", "erp_sales_lines", "erp_return_authorizations"
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason=f"the exports are not in {FILES}; set EXPORTS")


@pytest.fixture(autouse=True)
def landing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANDING_URL", str(COMPANY))
    monkeypatch.setenv("LANDING_SETTLE_SECONDS", "0")
    monkeypatch.setenv("COMPANY", "shopify")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))


def _one(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def _whole(found: Brought) -> Brought:
    assert found.bad == []
    return found


def _kinds(found: Brought) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Rows, gross and fee by kind of movement."""
    gross, fee = found.sums("type", "gross_amount"), found.sums("type", "fee_amount")
    return {kind: (rows, gross[kind], fee[kind]) for kind, rows in found.counts("type").items()}


def _nets(found: Brought) -> bool:
    """True where the other rows of the batch add up to what it pays out."""
    net = found.sums("type", "net_amount")
    return sum(net.values()) - 2 * net["payout"] == 0


def test_the_orders_of_shopify() -> None:
    found = _whole(brought("shopify", COMPANY / "shopify" / "orders_export_1.csv", SALES))
    kept = [row for row in found.rows if not row["is_void"]]
    assert len({row["order_no"] for row in found.rows}) == 160
    assert len({row["order_no"] for row in kept}) == 158
    assert (len(found.rows), sum(row["quantity"] for row in kept)) == (281, 350)
    assert sum(row["net_amount"] for row in kept) == Decimal("16334.63")
    third = [r for r in found.rows if r["order_no"] == "#1003"]
    assert [r["line_no"] for r in third] == [1, 2, 3]
    # Taxes 6.12 and shipping 5.95 of the order's first row, by 12.49, 28.00 and 35.98 of 76.47.
    assert [str(r["tax_amount"]) for r in third] == ["1.00", "2.24", "2.88"]
    assert [str(r["shipping_amount"]) for r in third] == ["0.97", "2.18", "2.80"]


@pytest.mark.parametrize(
    "name", ["refunds.json", "refunds_ndjson.jsonl", "refunds_tx_flat.jsonl", "graphql_bulk.jsonl"]
)
def test_the_refunds_of_shopify_are_the_same_in_all_four_forms(name: str) -> None:
    found = _whole(brought("shopify", COMPANY / "shopify" / name, "crm_refunds"))
    assert (len(found.rows), found.total("amount")) == (38, Decimal("2724.90"))
    february = [row for row in found.rows if row["created_at"].strftime("%Y-%m") == "2026-02"]
    assert sorted(str(row["amount"]) for row in february) == ["27.22", "37.80"]
    first = found.rows[0]
    assert (first["refund_id"], first["status"]) == ("887838370000", "succeeded")
    assert first["order_no"] == (None if name.startswith("graphql") else "#1002")


@pytest.mark.parametrize("name", ["refunds.json", "refunds_ndjson.jsonl"])
def test_what_the_refunds_of_shopify_are_made_of(name: str) -> None:
    found = _whole(brought("shopify", COMPANY / "shopify" / name, "erp_credit_memos"))
    assert found.sums("component", "amount") == {
        "merchandise": Decimal("2583.64"), "tax": Decimal("206.71"), "restocking_fee": Decimal("-65.45"),
    }  # fmt: skip
    refunds = brought("shopify", COMPANY / "shopify" / name, "crm_refunds")
    assert found.sums("refund_id", "amount") == refunds.sums("refund_id", "amount")


@pytest.mark.parametrize("pattern", ["Itemized_payout_*.csv", "balance_transactions.jsonl"])
def test_the_reports_of_stripe(pattern: str) -> None:
    found = _whole(brought("stripe", _one(COMPANY / "stripe", pattern), SETTLEMENTS))
    assert _kinds(found) == {
        "charge": (158, Decimal("18260.31"), Decimal("-577.02")),
        "refund": (38, Decimal("-2724.90"), Decimal("0.00")),
        "dispute": (1, Decimal("-128.52"), Decimal("-15.00")),
    }
    assert all(row["gross_amount"] + row["fee_amount"] == row["net_amount"] for row in found.rows)


@pytest.mark.parametrize("name", ["returns-line-items-export.csv", "returns.jsonl"])
def test_the_returns_of_loop_are_the_same_in_both_forms(name: str) -> None:
    found = _whole(brought("loop", COMPANY / "loop" / name, RMAS))
    by_return = {row["rma_no"]: row for row in found.rows}
    assert (len(by_return), len(found.rows), found.total("quantity_authorized")) == (52, 64, 71)
    assert Brought(list(by_return.values())).counts("resolution") == {"store_credit": 8, "refund": 44}
    assert Brought(list(by_return.values())).counts("status") == {"open": 7, "closed": 45}
    assert str(by_return["90210000"]["authorized_at"])[:16] == "2025-12-06 23:58"


def test_the_invoice_of_fedex() -> None:
    found = _whole(brought("fedex", _one(COMPANY / "fedex", "*.csv"), "wms_carrier_invoices"))
    assert found.counts("charge_type") == {"freight": 52, "fuel": 52, "label": 52}
    assert found.total("amount") == Decimal("567.84")
    assert set(found.sums("tracking_no", "amount").values()) == {Decimal("10.92")}


def test_the_returns_of_amazon() -> None:
    path = _one(SINGLES / "amazon", "fba_returns_*")
    found = _whole(brought("amazon", path, "wms_dispositions"))
    assert found.counts("code") == {
        "SELLABLE": 17, "DAMAGED": 16, "CARRIER_DAMAGED": 22, "CUSTOMER_DAMAGED": 17, "DEFECTIVE": 25,
        "EXPIRED": 23,
    }  # fmt: skip
    received = _whole(brought("amazon", path, "wms_return_receipts"))
    assert received.total("quantity") == 120
    assert {r["receipt_id"] for r in received.rows} == {r["receipt_id"] for r in found.rows}


@pytest.mark.parametrize(
    ("pattern", "payout", "charge", "refund"),
    [
        ("settlement_v2_us_*", "1174.12", ("3066.53", "-505.70"), ("-1540.79", "154.08")),
        ("settlement_v2_de_*", "845.87", ("1937.31", "-351.66"), ("-821.98", "82.20")),
    ],
)
def test_the_settlements_of_amazon(
    pattern: str, payout: str, charge: tuple[str, str], refund: tuple[str, str]
) -> None:
    found = _whole(brought("amazon", _one(SINGLES / "amazon", pattern), SETTLEMENTS))
    assert _kinds(found) == {
        "payout": (1, Decimal(payout), Decimal("0.00")),
        "charge": (30, *map(Decimal, charge)),
        "refund": (10, *map(Decimal, refund)),
    }
    assert _nets(found)


def test_the_settlements_of_adyen() -> None:
    found = _whole(brought("adyen", _one(SINGLES / "adyen", "*.csv"), SETTLEMENTS))
    net = found.sums("type", "net_amount")
    assert {kind: (rows, gross) for kind, (rows, gross, _) in _kinds(found).items()} == {
        "charge": (200, Decimal("363170.45")), "refund": (50, Decimal("-17584.50")),
        "fee": (1, Decimal("-45.60")), "payout": (1, Decimal("344774.92")),
    }  # fmt: skip
    assert (net["charge"], net["refund"]) == (Decimal("362410.02"), Decimal("-17589.50"))
    assert _nets(found)


def test_the_settlements_of_paypal() -> None:
    found = _whole(brought("paypal", _one(SINGLES / "paypal", "*.CSV"), SETTLEMENTS))
    assert found.counts("type") == {"charge": 45, "refund": 15}
    assert len(found.rows) == 60, "as its row RC states"
    # The first four rows by hand: 51.65, 88.60 and 185.24 came in, 88.52 went back with its fee of 2.86.
    assert [str(row["net_amount"]) for row in found.rows[:4]] == ["49.86", "85.74", "179.57", "-85.66"]


@pytest.mark.parametrize("pattern", ["orders_one_row_per_item-*", "orders_default-*"])
def test_the_orders_of_woocommerce_are_the_same_in_both_forms(pattern: str) -> None:
    found = _whole(brought("woocommerce", _one(SINGLES / "woocommerce", pattern), SALES))
    assert (len(found.rows), len({row["order_no"] for row in found.rows})) == (281, 160)
    third = [row for row in found.rows if row["order_no"] == "60002"]
    assert [(r["line_no"], r["sku"], r["quantity"], str(r["net_amount"])) for r in third] == [
        (1, "SOCK-3PK", 1, "12.49"), (2, "TEE-BLK-M", 1, "28.00"), (3, "CAP-RED", 2, "35.98"),
    ]  # fmt: skip


def test_the_refunds_of_woocommerce() -> None:
    found = _whole(brought("woocommerce", SINGLES / "woocommerce" / "refunds.jsonl", "crm_refunds"))
    assert (len(found.rows), found.total("amount")) == (52, Decimal("3524.33"))
