"""What a file would bring, told without a warehouse; and a layout drafted from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from revlog.contracts.contract import ContractError, load_contract
from revlog.contracts.schema import schemas
from revlog.ingestion.check import faults
from revlog.ingestion.draft import draft
from revlog.ingestion.preview import candidates, preview

OWN = """\
layouts:
  own:
    file: "sales_{date}.csv"
    format: csv
    columns: {recovery_id: 'No', disposition_id: Disposition, gross_proceeds: Proceeds, sold_at: Sold}
    derive: {channel: {constant: outlet}}
    timestamp: {format: "%Y-%m-%d", zone: UTC}
"""
HEADER = "No,Disposition,sku,quantity,Proceeds,currency,Sold\n"
ROWS = "1,D1,a,1,5.00,EUR,2026-01-30\n2,D2,b,1,7.50,EUR,2026-01-31\n3,D3,c,1,x,EUR,2026-01-31\n" + (
    "4,D4,d,1,9.00,USD,2026-01-29\n2,D2,b,1,7.50,EUR,2026-01-31\n"
)


REFUND = {"id": 1, "sum": {"amount": "5.00"}, "lines": [{"sku": "a"}]}


@pytest.fixture(autouse=True)
def no_warehouse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Any look at the warehouse or its secrets would fail."""
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "nothing"))


def _preview(tmp_path: Path, content: str, name: str = "sales_20260131.csv") -> list[str]:
    company = tmp_path / "company"
    company.mkdir(exist_ok=True)
    (company / "erp_recovery_sales.yml").write_text(OWN)
    (tmp_path / name).write_text(content)
    [(contract, layout)] = candidates(tmp_path / name, str(company))
    return list(preview(tmp_path / name, contract, layout).lines())


def test_a_preview_tells_rows_by_fate_sums_and_days(tmp_path: Path) -> None:
    lines = _preview(tmp_path, HEADER + ROWS)
    assert lines[0] == "erp_recovery_sales, layout own, of 2026-01-31"
    assert lines[1].strip().startswith("5 rows: 4 load, 1 are quarantined, 0 are totals")
    assert any("1 not_a_number in gross_proceeds (line 4: 'x')" in line for line in lines)
    assert "  1 rows have the key of another: the loader keeps one or sets them apart" in lines
    assert "  sum of gross_proceeds: 20.00 EUR" in lines and "  sum of gross_proceeds: 9.00 USD" in lines
    assert "  sold_at: 2026-01-29 00:00:00+00:00 to 2026-01-31 00:00:00+00:00" in lines
    assert "  always empty: serial_no, fees" in lines
    assert any(line.startswith("  row 1: _line_no=2, recovery_id=1,") for line in lines)
    assert not (tmp_path / "nothing").exists(), "nothing is written"


def test_a_preview_tells_why_a_file_would_be_rejected(tmp_path: Path) -> None:
    lines = _preview(tmp_path, HEADER.replace("Proceeds", "Proceed") + ROWS)
    assert any("would be rejected: header" in line and "the file has 'Proceed'" in line for line in lines)


def test_a_name_that_no_layout_takes_is_told_with_those_that_they_take(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"(?s)called x.csv.*erp_recovery_sales, own: sales_\{date\}.csv"):
        _preview(tmp_path, HEADER, "x.csv")


def test_a_fault_in_the_layouts_of_another_feed_keeps_no_preview(tmp_path: Path) -> None:
    (tmp_path / "erp_recovery_sales.yml").write_text(OWN)
    (tmp_path / "crm_refunds.yml").write_text("layouts: {own: {file: x, format: csv}}\n")
    [(contract, _)] = candidates(Path("sales_20260131.csv"), str(tmp_path))
    assert contract.feed == "erp_recovery_sales"
    with pytest.raises(ContractError, match="crm_refunds"):
        candidates(Path("other_20260131.csv"), str(tmp_path))


def test_personal_data_is_in_no_preview(tmp_path: Path) -> None:
    (tmp_path / "crm_customers_20260131.csv").write_text(
        "customer_id,name,email\nC1,Ann Lee,ann@example.com\nC2,Bob May,bob\n"
    )
    [(contract, layout)] = candidates(tmp_path / "crm_customers_20260131.csv", "standard")
    text = "\n".join(preview(tmp_path / "crm_customers_20260131.csv", contract, layout).lines())
    assert "pattern_mismatch in email" in text
    assert not any(word in text for word in ("Ann", "Bob", "ann@", "C1"))


def _draft(tmp_path: Path, name: str, content: str | bytes, feed: str) -> tuple[str, dict[str, object]]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = draft(path, load_contract(feed, "standard"))
    [layout] = yaml.safe_load(text)["layouts"].values()
    return text, layout


def test_a_draft_finds_dialect_encoding_formats_and_columns(tmp_path: Path) -> None:
    content = (
        "Bestellung;Artikel;Menge;Umsatz;Währung;Verkauft am\n"
        "0001;a;1;1.234,50;EUR;31.01.2026 10:00\n0002;b;2;5,00;EUR;30.01.2026 09:30\n"
    ).encode("cp1252")
    text, layout = _draft(tmp_path, "verkauf_20260131.csv", content, "erp_sales_lines")
    assert layout["file"] == "verkauf_{date}.csv"
    assert (layout["delimiter"], layout["encoding"], layout["format"]) == (";", "cp1252", "csv")
    assert "QUESTION: it is no UTF-8: is it cp1252" in text
    assert "# not used: \"Verkauft am\"  # '31.01.2026 10:00'" in text


def test_a_draft_of_a_known_export_names_the_likely_columns(tmp_path: Path) -> None:
    content = (
        "Return ID,Order Name,SKU,Quantity,Return State,Return Created At,Return Updated At,Price\n"
        "9,#1002,TEE,1,closed,12/06/2025 06:58 PM,12/15/2025 09:58 PM,$28.00\n"
        "10,#1005,JEAN,2,open,12/26/2025 06:58 AM,12/27/2025 09:58 PM,$89.50\n"
    )
    text, layout = _draft(tmp_path, "returns.csv", content, "erp_return_authorizations")
    assert layout["columns"] == {
        "rma_no": "Return ID", "order_no": "Order Name", "sku": "SKU", "quantity_authorized": "Quantity",
        "status": "Return State", "authorized_at": "Return Created At", "updated_at": "Return Updated At",
    }  # fmt: skip
    assert layout["timestamp"] == {"format": "%m/%d/%Y %I:%M %p", "zone": "UTC"}
    assert layout["file_date"] == {"modified": "UTC"}
    assert "# QUESTION: times are local: in which zone?" in text
    assert "# rma_line_no: ?  QUESTION, required" in text


def test_a_draft_asks_where_two_formats_fit(tmp_path: Path) -> None:
    text, _ = _draft(
        tmp_path, "x_20260131.csv", "invoice_no,invoiced_on\n1,05/04/2026\n", "wms_carrier_invoices"
    )
    assert "QUESTION: invoiced_on fits %m/%d/%Y and %d/%m/%Y: which?" in text


def test_a_draft_asks_for_words_that_the_contract_does_not_take(tmp_path: Path) -> None:
    text, _ = _draft(
        tmp_path, "x_20260131.csv", "id,type\n1,Settled\n2,Refunded\n", "erp_payment_settlements"
    )
    assert "QUESTION: type has Refunded, Settled, the contract takes refund" in text


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("r.json", json.dumps({"page": {"n": [1]}, "data": {"refunds": [REFUND]}}),
         {"format": "json", "record": "data/refunds"}),
        ("r.jsonl", '{"id": 1, "amount": 500}\n{"id": 2, "amount": 700}\n', {"format": "jsonl"}),
        ("r.xml", "<r><item><id>1</id><amount>5</amount></item><item><id>2</id></item></r>",
         {"format": "xml", "record": "item"}),
    ],
)  # fmt: skip
def test_a_draft_finds_records_in_json_and_xml(
    tmp_path: Path, name: str, content: str, keys: dict[str, str]
) -> None:
    text, layout = _draft(tmp_path, name, content, "crm_refunds")
    assert keys.items() <= layout.items()
    assert ("lines holds several objects" in text) == (name == "r.json")
    assert "amount: no decimals anywhere: minor units?" in text or name == "r.json"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_draft_knows_lists_that_are_printed_in_pages(encoding: str, tmp_path: Path) -> None:
    page = [
        "28.11.2026   Dynamic List Display  1", "", "G/L Account 400000", "-" * 50,
        "|St|DocumentNo|Doc. Date |Amount in local cur.|LCurr|", "-" * 50,
        "|  |1400000001|01.11.2026|            1.234,56|EUR  |",
        "|  |1400000002|02.11.2026|            1.234,56-|EUR  |", "-" * 50,
        "|* |          |          |                0,00|EUR  |",
    ]  # fmt: skip
    path = tmp_path / "FBL3N_20261128.txt"
    path.write_bytes("\r\n".join([*page, *page, ""]).encode(encoding))
    text = draft(path, load_contract("erp_gl_entries"))
    [layout] = yaml.safe_load(text)["layouts"].values()
    assert layout["delimiter"] == "|" and layout.get("encoding", "cp1252") == encoding
    assert layout["skip"] == ["^[^|]", r"^\|[ \t]*\*"]
    assert (layout["decimal"], layout["negatives"]) == (",", ["trailing_minus"])
    assert layout["columns"] == {
        "journal_no": "DocumentNo", "posted_on": "Doc. Date", "amount": "Amount in local cur.",
        "currency": "LCurr",
    }  # fmt: skip
    assert "'G/L Account 400000'" in text, "what stands above is asked for"


def _layout(path: Path, content: str, feed: str) -> dict[str, Any]:
    path.write_text(content, encoding="utf-8")
    [layout] = yaml.safe_load(draft(path, load_contract(feed)))["layouts"].values()
    found: dict[str, Any] = layout
    return found


def test_a_draft_cuts_a_report_at_the_rule_below_its_names(tmp_path: Path) -> None:
    content = (
        "\nRECEIPT_NO ITEM     RECEIVED             ORG\n---------- -------- -------------------- ---\n"
        "10001      A-1      05-JAN-2026 10:00:00 M01\n\n1 row selected.\n"
    )
    layout = _layout(tmp_path / "RCV_20260131.lst", content, "wms_return_receipts")
    assert layout["format"] == "fixed_width"
    assert layout["widths"] == {"RECEIPT_NO": [1, 10], "ITEM": [12, 8], "RECEIVED": [21, 20], "ORG": [42, 3]}
    assert layout["timestamp"]["format"] == "%d-%b-%Y %H:%M:%S"
    assert layout["columns"] == {
        "receipt_id": "RECEIPT_NO", "sku": "ITEM", "received_at": "RECEIVED", "site": "ORG",
    }  # fmt: skip


def test_a_draft_of_a_file_without_header_asks_for_names(tmp_path: Path) -> None:
    layout = _layout(tmp_path / "UPS_20260131.csv", "2.1,1Z1,9.00\n2.1,1Z2,7.50\n", "wms_carrier_invoices")
    assert layout["names"] == ["c1", "c2", "c3"]


def test_a_draft_takes_no_column_for_nearly_another_and_an_id_for_the_key(tmp_path: Path) -> None:
    content = "id,amount,tax_amount,date\n7,1.00,0.19,Jan-05-26\n"
    layout = _layout(tmp_path / "Report-Jan-31-2026.csv", content, "erp_payment_settlements")
    assert layout["columns"] == {"settlement_id": "id", "gross_amount": "amount", "booked_at": "date"}
    assert (layout["file"], layout["timestamp"]["format"]) == ("Report-{date:%b-%d-%Y}.csv", "%b-%d-%y")


def test_a_draft_without_questions_is_a_layout_that_check_accepts(tmp_path: Path) -> None:
    contract = load_contract("erp_recovery_sales", "standard")
    header = ",".join(contract.columns)
    row = "R1,D1,SKU,,1,outlet,5.00,1.00,EUR,2026-01-31T10:00:00Z\n"
    text, _ = _draft(tmp_path, "sales_20260131.csv", f"{header}\n{row}", "erp_recovery_sales")
    assert "QUESTION" not in text
    company = tmp_path / "company"
    company.mkdir()
    (company / "erp_recovery_sales.yml").write_text(text)
    assert faults(str(company)) == []
    later = (tmp_path / "sales_20260131.csv").rename(tmp_path / "sales_20260201.csv")
    [(contract, layout)] = candidates(later, str(company))
    lines = list(preview(later, contract, layout).lines())
    assert lines[1].startswith("  1 rows: 1 load")


def test_the_schemas_are_those_of_the_models() -> None:
    for path, content in schemas().items():
        assert path.read_text(encoding="utf-8") == content, "run: revlog ingestion schema"
    assert "file_date" in schemas()[next(iter(schemas()))]
