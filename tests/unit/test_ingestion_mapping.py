"""A company's files mapped by layouts alone, on lines as a real retailer writes them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from revlog.contracts.contract import Contract, parse_contract
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converted, Converter
from revlog.ingestion.readers import reader
from revlog.values.reasons import FileRejected

LINES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,France
536366,22633,WARMER,1,2010-12-01 08:28:00,1.855,,EIRE
"""
COLUMNS = {
    "order_no": {"type": "id", "required": True, "description": "Order."},
    "line_no": {"type": "integer", "required": True, "description": "Line."},
    "sku": {"type": "id", "required": True, "description": "SKU."},
    "quantity": {"type": "integer", "required": True, "negative": "never", "description": "Units."},
    "net_amount": {"type": "money", "description": "Amount."},
    "currency": {"type": "currency", "description": "Currency."},
    "customer_no": {"type": "id", "description": "Customer."},
    "country": {"type": "code", "description": "Country."},
    "sold_at": {"type": "timestamp", "description": "When."},
}
SALES: dict[str, Any] = {
    "file": "{date:%Y-%m-%d}.csv", "format": "csv", "extra_columns": "ignore",
    "rows": [{"column": "InvoiceNo", "not_matches": "^C"}],
    "columns": {"order_no": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity",
                "customer_no": "CustomerID", "country": "Country", "sold_at": "InvoiceDate"},
    "derive": {"line_no": {"ordinal_of": ["InvoiceNo"]},
               "net_amount": {"product": ["Quantity", "UnitPrice"]},
               "currency": {"constant": "GBP"}},
    "float_ids": ["customer_no"], "value_maps": {"country": {"EIRE": "IE"}},
    "timestamp": {"format": "%Y-%m-%d %H:%M:%S", "zone": "Europe/London"},
}  # fmt: skip
RETURNS = SALES | {
    "rows": [{"column": "InvoiceNo", "matches": "^C"}], "negate": ["quantity"],
    "extract": {"order_no": "^C(?P<no>[0-9]+)$"},
    "derive": {"line_no": {"ordinal": "record"}, "currency": {"constant": "GBP"}},
}  # fmt: skip


def _contract(layout: dict[str, Any]) -> Contract:
    content = {
        "feed": "erp_x", "source": "erp", "title": "X", "description": "X.", "grain": "one line",
        "key": ["order_no", "line_no"], "mode": "append", "columns": COLUMNS,
        "layouts": {"own": layout},
    }  # fmt: skip
    return parse_contract(content, Path("erp_x.yml"))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "test")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))


def _converted(layout: dict[str, Any], text: str = LINES) -> Converted:
    contract, data = _contract(layout), text.encode()
    source = Source("x", lambda: io.BytesIO(data), Scan("", len(data), data))
    converter = Converter(contract, contract.layouts["own"])
    parts = [converter.convert(chunk) for chunk in reader("csv")(source, contract, "own")]
    converter.finish()
    [part] = parts
    return part


def _column(part: Converted, name: str) -> list[str]:
    return [str(v) for v in part.rows[name].to_pylist()]


def test_sales_are_the_rows_without_a_c() -> None:
    part = _converted(SALES)
    assert (part.rows.num_rows, part.other_feeds, part.bad) == (4, 1, [])
    assert _column(part, "order_no") == ["536365", "536365", "536365", "536366"]


def test_lines_are_numbered_within_their_order_so_true_repeats_stay_apart() -> None:
    assert _column(_converted(SALES), "line_no") == ["1", "2", "3", "1"]


def test_amounts_are_products_and_constants_and_ids_are_mended() -> None:
    part = _converted(SALES)
    assert _column(part, "net_amount") == ["15.30", "20.34", "15.30", "1.86"]
    assert _column(part, "currency") == ["GBP"] * 4
    assert _column(part, "customer_no") == ["17850", "17850", "17850", "None"]
    assert _column(part, "country") == ["United Kingdom"] * 3 + ["IE"]
    assert _column(part, "sold_at")[0] == "2010-12-01 08:26:00+00:00"
    assert _column(part, "sold_at_local")[0] == "2010-12-01 08:26:00"


def test_returns_are_the_other_rows_of_the_same_file_with_the_sign_turned() -> None:
    part = _converted(RETURNS)
    assert (part.rows.num_rows, part.other_feeds) == (1, 4)
    assert (_column(part, "order_no"), _column(part, "quantity")) == (["536379"], ["1"])
    assert _column(part, "line_no") == ["4"], "the number of the record in the whole file"
    assert _column(part, "_line_no") == ["5"]


def test_parts_are_joined_into_a_key() -> None:
    derive = SALES["derive"] | {"order_no": {"concat": ["InvoiceNo", "#ordinal_of:InvoiceNo+StockCode"]}}
    layout = SALES | {"derive": derive, "columns": {**SALES["columns"]}}
    del layout["columns"]["order_no"]
    assert _column(_converted(layout), "order_no") == [
        "536365-1", "536365-1", "536365-2", "536366-1",
    ]  # fmt: skip


def test_a_factor_that_is_no_number_is_quarantined_with_both() -> None:
    part = _converted(SALES, LINES.replace("3.39", "3,39").replace("71053,LANTERN,6", "7,L,6"))
    [bad] = [b for b in part.bad if b.column == "net_amount"] or part.bad
    assert bad.line_no == 3


def test_an_alias_is_another_name() -> None:
    renamed = LINES.replace("StockCode", "Article")
    with pytest.raises(FileRejected, match="required columns are missing: sku"):
        _converted(SALES, renamed)
    assert _converted(SALES | {"aliases": {"sku": ["Article"]}}, renamed).rows.num_rows == 4
