"""One file that feeds several feeds: each row is taken, set apart by name, or quarantined as nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from revlog.contracts.contract import feeds
from revlog.ingestion.load import load_feed
from tests.integration.ingestion_landing import DAY, query

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
# As the retailer writes them: two sales, a return, what is set apart, and what was mistyped.
ROWS = [
    "536365,85123A,HEART,6,2026-01-31 08:26:00,2.55,17850.0,United Kingdom",
    "536366,71053,LANTERN,6,2026-01-31 08:28:00,3.39,17850.0,United Kingdom",
    "C536379,22633,WARMER,-1,2026-01-31 09:41:00,27.5,14527.0,France",
    "536589,21777,damaged,-10,2026-01-31 10:00:00,0.0,,United Kingdom",
    "536590,21778,found,3,2026-01-31 10:01:00,0,,United Kingdom",
    "A563185,B,Adjust bad debt,1,2026-01-31 14:50:00,11062.06,,United Kingdom",
    "c700002,22633,WARMER,-1,2026-01-31 15:00:00,27.5,14527.0,France",
    " C700003,22633,WARMER,-2,2026-01-31 15:01:00,27.5,14528.0,France",
    "R700006,22633,WARMER,-3,2026-01-31 15:02:00,27.5,14529.0,France",
    "700007,22633,WARMER,-4,2026-01-31 15:03:00,27.5,14530.0,France",
]
NOBODYS = [8, 9, 10, 11]


@pytest.fixture()
def retailer(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANY", "online_retail")
    return fresh_database


def _land(landing: Path, *rows: str) -> None:
    path = landing / "2026-01-31.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    path.with_name(f"{path.name}.done").touch()


def _load() -> dict[str, tuple[int, int, int]]:
    """Loaded, quarantined and control rows by feed."""
    for feed in feeds():
        assert [f.status for f in load_feed(feed, DAY).files] == ["loaded"], feed
    found = query(
        "select feed, rows_loaded, rows_quarantined, rows_control, rows_parsed from ops.file_ledger"
    )
    assert all(parsed == len(ROWS) == sum(counts) for _, *counts, parsed in found)
    return {feed: tuple(counts) for feed, *counts, _ in found}  # type: ignore[misc]


def test_rows_that_no_layout_takes_are_quarantined_once_and_the_others_are_counted(retailer: Path) -> None:
    _land(retailer, *ROWS)
    assert _load() == {
        "erp_credit_memos": (1, 4, 5), "erp_sales_lines": (2, 0, 8), "wms_return_receipts": (1, 0, 9),
    }  # fmt: skip
    assert query("select feed, line_no, reason, column_name from ops.quarantine order by 2") == [
        ("erp_credit_memos", line, "nobodys_row", None) for line in NOBODYS
    ]
    assert query("select rows_shared from ops.file_ledger where feed = 'erp_credit_memos'") == [
        ({"taken": {"erp_sales_lines": 2}, "set_apart": {"without_price": 2, "bad_debts": 1}},)
    ]


def test_whose_the_rows_are_is_told_with_the_file(retailer: Path) -> None:
    _land(retailer, *ROWS)
    [file] = load_feed("erp_credit_memos", DAY).files
    told = "4 quarantined, 2 of erp_sales_lines, 2 set apart as without_price, 1 set apart as bad_debts"
    assert told in str(file)


def test_a_customers_number_is_withheld_in_every_feed_of_the_file(retailer: Path) -> None:
    """Only the sales lines know the column; rows of returns that are refused hold it, too."""
    _land(
        retailer,
        "C1,22633,X,-1,31.01.2026,27.5,14527.0,France",
        "536365,85123A,HEART,x,2026-01-31 08:26:00,2.55,17850.0,United Kingdom",
        "C2,22633,X,-1,2026-01-31 10:00:00,27.5,14529.0",
        "R3,22633,X,-1,2026-01-31 10:00:00,27.5,14530.0,France",
    )
    for feed in feeds():
        load_feed(feed, DAY)
    found = query("select feed, reason, raw_text, detail from ops.quarantine")
    assert {(feed, reason) for feed, reason, _, _ in found} >= {
        ("wms_return_receipts", "bad_timestamp"), ("wms_return_receipts", "ragged_row"),
        ("erp_credit_memos", "missing_value"), ("erp_credit_memos", "nobodys_row"),
        ("erp_sales_lines", "not_a_number"), ("erp_sales_lines", "ragged_row"),
    }  # fmt: skip
    for number in ("14527", "17850", "14529", "14530"):
        assert not any(number in f"{text} {detail}" for _, _, text, detail in found), number
    assert any("22633" in text for _, _, text, _ in found), "what names nobody can be seen"


def test_a_number_that_no_feed_reads_is_withheld_too(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wms_return_receipts.yml").write_text(
        (Path("companies/online_retail/wms_return_receipts.yml")).read_text(encoding="utf-8")
    )
    monkeypatch.setenv("COMPANY", str(tmp_path))
    _land(fresh_database, ROWS[0], "C1,22633,X,-1,31.01.2026,27.5,14527.0,France", "C2,22633,14528.0")
    load_feed("wms_return_receipts", DAY)
    found = query("select line_no, reason, raw_text from ops.quarantine order by 1")
    assert [(line, reason) for line, reason, _ in found] == [
        (2, "nobodys_row"), (3, "bad_timestamp"), (4, "ragged_row"),
    ]  # fmt: skip
    assert not any("1452" in text or "17850" in text for _, _, text in found)


def test_unknown_columns_of_a_feed_that_knows_customers_are_withheld_in_raw(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for feed in ("erp_sales_lines", "wms_return_receipts"):
        own = yaml.safe_load(Path(f"companies/online_retail/{feed}.yml").read_text(encoding="utf-8"))
        own["layouts"]["daily"]["extra_columns"] = "keep"
        if feed == "wms_return_receipts":  # as of a company whose receipts have no customer
            del own["layouts"]["daily"]["columns"]["customer_id"]
        (tmp_path / f"{feed}.yml").write_text(yaml.safe_dump(own))
    monkeypatch.setenv("COMPANY", str(tmp_path))
    _land(fresh_database, ROWS[2])
    load_feed("wms_return_receipts", DAY)
    [(extra,)] = query("select _extra from raw.wms_return_receipts")
    # Elsewhere the one is a customer's number; the other may be anything.
    assert (extra["CustomerID"], extra["Country"]) == ("[withheld]", "[withheld]")
