"""Ready layouts on small files made by hand: what the samples of real exports do not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from revlog.values.reasons import FileRejected
from tests.ready import Brought, brought

SETTLEMENTS = "erp_payment_settlements"


@pytest.fixture(autouse=True)
def landing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANDING_URL", str(tmp_path))
    monkeypatch.setenv("LANDING_SETTLE_SECONDS", "0")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "var"))


def _read(tmp_path: Path, system: str, name: str, content: str | bytes, feed: str) -> Brought:
    path = tmp_path / system / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.with_name(f"{name}.done").touch()
    return brought(system, path, feed)


def _amounts(found: Brought) -> list[tuple[str, str, str, str]]:
    return [
        (r["type"], str(r["gross_amount"]), str(r["fee_amount"]), str(r["net_amount"])) for r in found.rows
    ]


def test_stripe_pays_out_and_knows_currencies_without_cents(tmp_path: Path) -> None:
    rows = [
        ("t1", "charge", 500, 20, "jpy"), ("t2", "dispute_reversal", 1050, -1500, "usd"),
        ("t3", "payout", -2550, 0, "usd"), ("t4", "brand_new", 1, 0, "usd"),
    ]  # fmt: skip
    keys = ("id", "reporting_category", "amount", "fee", "currency")
    times = {"created": 1764605365, "available_on": 1764778165}
    lines = "".join(
        json.dumps(dict(zip(keys, row, strict=True)) | times | {"net": row[2] - row[3]}) + "\n"
        for row in rows
    )
    found = _read(tmp_path, "stripe", "balance_transactions.jsonl", lines, SETTLEMENTS)
    assert _amounts(found) == [
        ("charge", "500.00", "-20.00", "480.00"), ("dispute", "10.50", "15.00", "25.50"),
        ("payout", "25.50", "0.00", "25.50"), ("brand_new", "0.01", "0.00", "0.01"),
    ]  # fmt: skip
    assert found.bad == [], "what the processor has invented since is carried"
    assert {r["batch_no"] for r in found.rows} == {"2025-12-03"}


def test_adyen_settles_in_another_currency_and_takes_back(tmp_path: Path) -> None:
    header = (
        "Batch Number,Type,Modification Reference,Creation Date,TimeZone,Gross Currency,Gross Debit (GC),"
        "Gross Credit (GC),Exchange Rate,Net Currency,Net Debit (NC),Net Credit (NC),"
        "Modification Merchant Reference\n"
    )
    rows = (
        "7,Settled,P1,2026-07-01 10:00:00,CEST,SEK,,100.00,0.1,EUR,,9.80,\n"
        "7,Chargeback,P2,2026-07-01 11:00:00,CEST,EUR,20.00,,1,EUR,25.00,,RF1\n"
        "7,MerchantPayout,batch 7,2026-07-02 02:00:00,CEST,EUR,,,,EUR,4.80,,\n"
    )
    found = _read(tmp_path, "adyen", "settlement_detail_report_batch_7.csv", header + rows, SETTLEMENTS)
    assert _amounts(found) == [
        ("charge", "100.00", "-2.00", "98.00"), ("chargeback", "-20.00", "-5.00", "-25.00"),
        ("payout", "4.80", "0.00", "4.80"),
    ]  # fmt: skip
    assert str(found.rows[0]["settled_amount"]) == "9.80"
    assert (found.rows[1]["refund_id"], str(found.rows[1]["booked_at"])[:16]) == ("RF1", "2026-07-01 09:00")


def test_paypal_withdraws_and_holds_back(tmp_path: Path) -> None:
    lines = (
        '"RH","2026/02/01 03:13:12 -0500","A","X","009"\n'
        '"CH","Transaction ID","Transaction Event Code","Transaction Completion Date",'
        '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
        '"Fee Debit or Credit","Fee Amount","Fee Currency"\n'
        '"SB","T1","T0400","2026/01/31 00:13:07 -0500","DR","5000","USD","","",""\n'
        '"SB","T2","T2101","2026/01/31 00:13:07 -0500","DR","1000","USD","","",""\n'
        '"SB","T3","T0006","2026/01/31 00:13:07 -0500","CR","6150","USD","DR","150","USD"\n'
        '"SF","USD","1"\n"RC","{count}"\n'
    )
    found = _read(tmp_path, "paypal", "STL-20260131.01.009.CSV", lines.format(count=3), SETTLEMENTS)
    assert _amounts(found) == [
        ("payout", "50.00", "0.00", "50.00"), ("reserve", "-10.00", "0.00", "-10.00"),
        ("charge", "61.50", "-1.50", "60.00"),
    ]  # fmt: skip
    with pytest.raises(FileRejected, match="control_total: the file states 4 rows, 3 were read"):
        _read(tmp_path, "paypal", "STL-20260131.01.009.CSV", lines.format(count=4), SETTLEMENTS)


def test_amazon_holds_a_reserve_and_pays_guarantees(tmp_path: Path) -> None:
    columns = [
        "settlement-id",
        "settlement-start-date",
        "settlement-end-date",
        "deposit-date",
        "total-amount",
        "currency",
        "transaction-type",
        "order-id",
        "adjustment-id",
        "shipment-id",
        "amount-type",
        "amount-description",
        "amount",
        "posted-date-time",
    ]
    at = "2026-01-05 10:00:00 UTC"
    rows: list[dict[str, str]] = [
        {"settlement-end-date": at, "deposit-date": at, "total-amount": "-28.00", "currency": "USD"},
        {"transaction-type": "A-to-z Guarantee Refund", "order-id": "1", "adjustment-id": "a", "amount-type":
         "ItemPrice", "amount-description": "Principal", "amount": "-20.00", "posted-date-time": at},
        {"transaction-type": "A-to-z Guarantee Refund", "order-id": "1", "adjustment-id": "a", "amount-type":
         "ItemFees", "amount-description": "Commission", "amount": "2.00", "posted-date-time": at},
        {"transaction-type": "other-transaction", "amount-type": "other-transaction", "amount-description":
         "Current Reserve Amount", "amount": "-10.00", "posted-date-time": at},
    ]  # fmt: skip
    filled = [{"settlement-id": "9"} | row for row in rows]
    lines = ["\t".join(columns), *("\t".join(row.get(c, "") for c in columns) for row in filled)]
    found = _read(tmp_path, "amazon", "settlement_v2_us_9.txt", "\n".join(lines) + "\n", SETTLEMENTS)
    assert _amounts(found) == [
        ("payout", "-28.00", "0.00", "-28.00"), ("chargeback", "-20.00", "2.00", "-18.00"),
        ("reserve", "-10.00", "0.00", "-10.00"),
    ]  # fmt: skip


ORDERS = (
    "Name,Email,Currency,Paid at,Fulfilled at,Cancelled at,Shipping,Taxes,Created at,Lineitem quantity,"
    "Lineitem price,Lineitem sku,Lineitem discount,Lineitem fulfillment status,Source,Id\n"
    "#1,a@b,USD,2026-01-01 10:00:00 -0500,,,1.00,0.05,2026-01-01 10:00:00 -0500,1,10.00,A,0.00,pending,web,"
    "71\n"
    "#1,a@b,,,,,,,2026-01-01 10:00:00 -0500,1,10.00,B,0.00,pending,,\n"
    "#1,a@b,,,,,,,2026-01-01 10:00:00 -0500,1,10.00,C,0.00,pending,,\n"
    "#2,c@d,USD,,,2026-01-02 10:00:00 -0500,5.95,0.00,2026-01-01 11:00:00 -0500,2,0.00,A,0.00,pending,web,"
    "72\n"
    "#2,c@d,,,,,,,2026-01-01 11:00:00 -0500,1,0.00,B,0.00,pending,,\n"
)


def test_shopify_gives_taxes_and_shipping_to_lines_to_the_cent(tmp_path: Path) -> None:
    found = _read(tmp_path, "shopify", "orders_export_1.csv", ORDERS, "erp_sales_lines")
    # A third of 1.00 and of 0.05, rounded as they add up: 0.33, 0.67, 1.00 and 0.02, 0.03, 0.05.
    assert [str(r["shipping_amount"]) for r in found.rows] == ["0.33", "0.34", "0.33", "3.97", "1.98"]
    assert [str(r["tax_amount"]) for r in found.rows][:3] == ["0.02", "0.01", "0.02"]
    assert [r["is_void"] for r in found.rows] == [False] * 3 + [True] * 2
    assert {str(r["updated_at"]) for r in found.rows if r["order_no"] == "#2"} == {
        "2026-01-02 15:00:00+00:00"
    }


def test_shopify_tells_brand_size_and_colour_of_each_variant(tmp_path: Path) -> None:
    """A shirt in two sizes with a second image, a lamp without variants, and a gift card."""
    header = (
        "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,"
        "Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Price,"
        "Gift Card,Cost per item,Status\n"
    )
    rows = (
        'slim-shirt,"Slim shirt, long",<p>,Kestrel,,Shirts,,,Color,Red,Size,M,,,S-M,200,39.90,false,12.5,\n'
        "slim-shirt,,,,,,,,,Red,,L,,,S-L,210,39.90,,12.50,\n"
        "slim-shirt,,,,,,,,,,,,,,,,,,,\n"
        "lamp,Desk lamp,,Nordhus,,,,true,Title,Default Title,,,,,LAMP,900,40.00,false,,active\n"
        "card,Gift card,,Shop,,Cards,,true,Title,Default Title,,,,,CARD,0,25.00,true,,active\n"
    )
    found = _read(tmp_path, "shopify", "products_export_1.csv", header + rows, "erp_items")
    names = (
        "sku",
        "style",
        "size",
        "colour",
        "description",
        "category",
        "brand",
        "vendor_id",
        "is_returnable",
    )
    assert [tuple(row[name] for name in names) for row in found.rows] == [
        ("S-M", "slim-shirt", "M", "Red", "Slim shirt, long / Red / M", "Shirts", "Kestrel", "Kestrel", True),
        ("S-L", "slim-shirt", "L", "Red", "Slim shirt, long / Red / L", "Shirts", "Kestrel", "Kestrel", True),
        ("LAMP", "lamp", None, None, "Desk lamp", "UNKNOWN", "Nordhus", "Nordhus", True),
        ("CARD", "card", None, None, "Gift card", "Cards", "Shop", "Shop", False),
    ]
    assert [(str(row["unit_cost"]), row["weight_g"]) for row in found.rows][:2] == [
        ("12.5000", 200), ("12.5000", 210)
    ]  # fmt: skip
    assert found.bad == []


def test_shopify_refunds_wait_for_the_orders_that_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANY", "shopify")
    refund = (
        '{"id":1,"order_id":71,"return":{"id":9},"refund_line_items":[],"order_adjustments":[],"transactions":'
        '[{"id":5,"kind":"refund","gateway":"gift_card","status":"success","amount":"3.00","currency":"USD",'
        '"authorization":null,"created_at":"2026-01-03T10:00:00-05:00"}]}\n'
    )
    with pytest.raises(FileRejected, match="lookup: no file of erp_sales_lines"):
        _read(tmp_path, "shopify", "refunds_ndjson.jsonl", refund, "crm_refunds")
    _read(tmp_path, "shopify", "orders_export_1.csv", ORDERS, "erp_sales_lines")
    found = _read(tmp_path, "shopify", "refunds_ndjson.jsonl", refund, "crm_refunds")
    assert [(r["order_no"], r["tender"], str(r["amount"])) for r in found.rows] == [
        ("#1", "gift_card", "3.00")
    ]
    unknown = refund.replace('"order_id":71', '"order_id":73')
    with pytest.raises(FileRejected, match="select: it fails in column order_no, line 1"):
        _read(tmp_path, "shopify", "refunds_ndjson.jsonl", unknown, "crm_refunds")


def test_fedex_adds_charges_of_one_kind_and_knows_credits(tmp_path: Path) -> None:
    pair = ",Tracking ID Charge Description,Tracking ID Charge Amount"
    header = (
        "Invoice Date,Invoice Number,Express or Ground Tracking ID,Transportation Charge Amount"
        + 6 * pair
        + "\n"
    )
    row = "20260131,8,79,9.10,Fuel Surcharge,0.50,Fuel on label,0.32,Performance Pricing,-1.00,,,,,,\n"
    found = _read(tmp_path, "fedex", "FEDEX_INVOICE_20260131.csv", header + row, "wms_carrier_invoices")
    assert {r["charge_type"]: str(r["amount"]) for r in found.rows} == {
        "freight": "9.10", "fuel": "0.82", "credit": "-1.00",
    }  # fmt: skip


def test_woocommerce_packs_items_whose_names_hold_its_marks(tmp_path: Path) -> None:
    content = (
        "order_id,date,status,order_currency,line_items\n"
        '7,2026-01-05 10:00:00,cancelled,USD,"id:1|name:Tea; green|sku:A|quantity:2|total:7.00;'
        'id:2|name:Cup|sku:B|quantity:1|total:3.00"\n'
    )
    found = _read(tmp_path, "woocommerce", "orders_default-2026-01-31.csv", content, "erp_sales_lines")
    items = [(r["line_no"], r["sku"], r["quantity"], str(r["unit_price"])) for r in found.rows]
    assert items == [(1, "A", 2, "3.5000"), (2, "B", 1, "3.0000")]
    assert all(row["is_void"] for row in found.rows)


# -- SAP: one list as its two exports have it

Line = tuple[str, ...]


def _pages(*pages: tuple[str, list[Line]]) -> bytes:
    """Unconverted: the first line of each page is its header, and totals begin with a star."""
    lines: list[str] = []
    every = [row for _, rows in pages for row in rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for title, rows in pages:
        printed = ["|" + "|".join(v.rjust(w) for v, w in zip(r, widths, strict=True)) + "|" for r in rows]
        rule = "-" * len(printed[0])
        lines += ["28.11.2026   Dynamic List Display   1", "", title, "", rule, printed[0], rule]
        lines += [*printed[1:], rule]
    return "".join(f"{line}\r\n" for line in lines).encode("cp1252")


def _sheet(*pages: tuple[str, list[Line]]) -> bytes:
    """As a spreadsheet: between tabs, with nothing before the first."""
    lines: list[str] = []
    for title, [header, *rows] in pages:
        lines += ["28.11.2026\tDynamic List Display", "", "\t".join(title.split(maxsplit=1)), ""]
        lines += ["\t" + "\t".join(header), "", *("\t" + "\t".join(row) for row in rows), ""]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-16")


SAP = pytest.mark.parametrize(("written", "ending"), [(_pages, "txt"), (_sheet, "xls")])


@SAP
def test_sap_items_have_the_account_above_them(
    written: Callable[..., bytes], ending: str, tmp_path: Path
) -> None:
    names = (
        "St", "DocumentNo", "Itm", "Pstng Date", "Year/month", "Amount in local cur.", "LCurr", "Reference",
        "Text",
    )  # fmt: skip
    day = ("31.12.2025", "2025/13")
    pages = (
        ("Sachkonto 400000", [
            names,
            ("", "1400000001", "1", "01.11.2026", "2026/11", "1.234,56", "EUR", "90001", "Größe"),
            ("", "1400000002", "2", "02.11.2026", "2026/11", "1.234,56-", "EUR", "90002", "Memo"),
            ("*", "", "", "", "", "0,00", "EUR", "", ""),
        ]),
        ("Sachkonto 400100", [
            names,
            ("", "1400000003", "1", *day, "7,50-", "EUR", "", ""),
            ("*", "", "", "", "", "7,50-", "EUR", "", ""), ("**", "", "", "", "", "7,50-", "EUR", "", ""),
        ]),
    )  # fmt: skip
    found = _read(tmp_path, "sap", f"FBL3N_20261128.{ending}", written(*pages), "erp_gl_entries")
    assert found.bad == []
    told = [(r["account"], r["journal_no"], str(r["amount"]), r["fiscal_period"]) for r in found.rows]
    assert told == [
        ("400000", "1400000001", "1234.56", "2026-11"), ("400000", "1400000002", "-1234.56", "2026-11"),
        ("400100", "1400000003", "-7.50", "2025-13"),
    ]  # fmt: skip
    assert str(found.rows[0]["posted_on"]) == "2026-11-01"


@SAP
def test_sap_returns_are_some_movements_of_goods(
    written: Callable[..., bytes], ending: str, tmp_path: Path
) -> None:
    names = (
        "Plnt", "MvT", "Mat. Doc.", "Item", "Material", "Quantity", "EUn", "Sales Ord.", "Entry Date", "Time",
        "Customer",
    )  # fmt: skip
    at = ("7001", "02.11.2026", "23:30:00", "4711")
    rows = [
        names,
        ("1000", "651", "490001", "1", "M1", "2", "PC", *at),
        ("1000", "653", "490001", "2", "M2", "1.000", "PC", *at),
        ("1000", "654", "490002", "1", "M2", "1.000-", "PC", *at),
        ("1000", "601", "490003", "1", "M1", "5-", "PC", *at),
    ]
    content = written(("Material Document List", rows))
    found = _read(tmp_path, "sap", f"MB51_20261128.{ending}", content, "wms_return_receipts")
    assert [(r["receipt_id"], r["sku"], r["quantity"], r["order_no"]) for r in found.rows] == [
        ("490001-1", "M1", 2, "7001"), ("490001-2", "M2", 1000, "7001"),
    ]  # fmt: skip
    assert found.bad == [] and str(found.rows[0]["received_at"]) == "2026-11-02 22:30:00+00:00"
    assert found.rows[0]["customer_id"] not in (None, "4711")


@SAP
def test_sap_orders_have_prices_of_one_unit(
    written: Callable[..., bytes], ending: str, tmp_path: Path
) -> None:
    names = (
        "Sales Doc.",
        "Item",
        "Doc. Date",
        "Sold-to pt",
        "Material",
        "Order Quantity",
        "SU",
        "Net value",
        "Curr.",
    )
    rows = [
        names,
        ("7001", "10", "01.11.2026", "C1", "M1", "3,000", "PC", "100,00", "EUR"),
        ("7001", "20", "01.11.2026", "C1", "M2", "1", "PC", "1.000,00", "EUR"),
        ("*", "", "", "", "", "", "", "1.100,00", "EUR"),
    ]
    found = _read(
        tmp_path, "sap", f"VA05_20261128.{ending}", written(("Sales orders", rows)), "erp_sales_lines"
    )
    assert found.bad == []
    lines = [(r["line_no"], r["quantity"], str(r["unit_price"]), str(r["net_amount"])) for r in found.rows]
    assert lines == [(10, 3, "33.3333", "100.00"), (20, 1, "1000.0000", "1000.00")]
    assert {str(r["ordered_at"]) for r in found.rows} == {"2026-10-31 23:00:00+00:00"}
