"""Contracts: what is accepted, what a mistake is told as, and what is made from them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from revlog.catalog.feeds_page import PAGE, page
from revlog.contracts.contract import (
    Contract,
    ContractError,
    all_feeds,
    feeds,
    load_contract,
    parse_contract,
)
from revlog.contracts.layout import Layout
from revlog.transform.sources import source_files

LAYOUT = {"file": "x_{date}.csv", "format": "csv"}


def _contract(**changes: Any) -> Contract:
    content = {
        "feed": "wms_x", "source": "wms", "title": "X", "description": "X.", "grain": "one row",
        "key": ["id"], "mode": "append",
        "columns": {"id": {"type": "id", "required": True, "description": "Key."}},
        "layouts": {"standard": LAYOUT},
    }  # fmt: skip
    return parse_contract(content | changes, Path("wms_x.yml"))


@pytest.mark.parametrize("feed", all_feeds())
def test_every_contract_is_sound(feed: str) -> None:
    contract = load_contract(feed, "standard")
    assert contract.feed == feed
    assert all(c.description.endswith(".") for c in contract.columns.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modus": "full"}, "modus: Extra inputs are not permitted"),
        ({"mode": "ful"}, "mode: Input should be 'append', 'delta' or 'full'"),
        ({"key": ["no"]}, r"unknown columns \['no'\]"),
        ({"columns": {"id": {"type": "id", "description": "X"}}}, "`required: true`"),
        ({"columns": {"id": {"type": "ident", "required": True, "description": "X"}}}, "type"),
        ({"columns": {"id": {"type": "id", "required": True, "description": "X", "pattern": "("}}},
         "no RE2 expression"),
        ({"layouts": {"a": {"file": "x.csv", "format": "csv"}}}, "needs {date}"),
        ({"layouts": {"a": LAYOUT | {"format": "xml"}}}, "`record`"),
        ({"layouts": {"a": LAYOUT | {"columns": {"no": "No"}}}}, r"unknown columns \['no'\]"),
        ({"layouts": {"a": LAYOUT | {"date": {"format": "%d %U %Y"}}}}, "%U is not one of"),
        ({"layouts": {"a": LAYOUT | {"timestamp": {"format": "%Y", "zone": "Mars/X"}}}},
         "no time zone"),
        ({"layouts": {"a": LAYOUT | {"derive": {"id": {}}}}}, "exactly one of constant"),
        ({"layouts": {"a": LAYOUT | {"extract": {"id": "C(.*)"}}}}, "named group"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_file_and_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message) as told:
        _contract(**changes)
    assert str(told.value).startswith("wms_x.yml: ")


def test_an_unknown_feed_or_company_is_told_with_those_that_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ContractError, match="erp_sales_lines"):
        load_contract("erp_sale_lines")
    monkeypatch.setenv("COMPANY", "acme")
    with pytest.raises(ContractError, match="COMPANY='acme' names no folder"):
        feeds()


def test_a_company_replaces_the_layouts_and_carries_only_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "erp_items.yml").write_text(
        "duplicates: keep_all\nlayouts:\n  own: {file: 'a_{date}.csv', format: csv}\n"
    )
    monkeypatch.setenv("COMPANY", str(tmp_path))
    assert feeds() == ["erp_items"]
    contract = load_contract("erp_items")
    assert (list(contract.layouts), contract.duplicates) == (["own"], "keep_all")
    assert load_contract("erp_sales_lines").layouts == {}


@pytest.mark.parametrize(
    ("pattern", "name", "date"),
    [
        ("x_{date}*.csv", "x_20250131.csv", dt.date(2025, 1, 31)),
        ("x_{date}*.csv", "x_20250131_2.csv", dt.date(2025, 1, 31)),
        ("x_{date}*.csv", "x_20250131.csv.gz", dt.date(2025, 1, 31)),
        ("x_{date}*.csv", "x_20250132.csv", None),
        ("x_{date}*.csv", "xx_20250131.csv", None),
        ("x_{date}*.csv", "x_20250131.csv.tmp", None),
        ("{date:%Y-%m-%d}.csv", "2010-12-01.csv", dt.date(2010, 12, 1)),
        ("{date:%Y-%m-%d}.csv", "2010-12-01-a.csv", None),
        ("sales-{date:%d%m%y}.csv", "sales-011210.csv", dt.date(2010, 12, 1)),
        ("x.{date}", "xy20250131", None),
        (
            "r_{from:%Y-%m-%d}_to_{date:%Y-%m-%d}_*.csv",
            "r_2025-12-01_to_2026-01-31_US.csv",
            dt.date(2026, 1, 31),
        ),
        ("r_{from}_{until}.csv", "r_20260101_20260201.csv", dt.date(2026, 1, 31)),
        ("r_{from}_{date}.csv", "r_20260132_20260201.csv", None),
        ("r-{date:%-d-%b-%Y}.csv", "r-5-Jan-2026.csv", dt.date(2026, 1, 5)),
    ],
)
def test_the_date_of_a_file_is_in_its_name(pattern: str, name: str, date: dt.date | None) -> None:
    assert Layout(file=pattern, format="csv").business_date(name) == date


def test_amounts_are_never_negative_unless_declared() -> None:
    columns = load_contract("erp_payment_settlements", "standard").columns
    assert columns["gross_amount"].negative_rule == "allowed"
    columns = load_contract("erp_recovery_sales", "standard").columns
    assert columns["fees"].negative_rule == "never"


def test_the_dbt_sources_are_those_of_the_contracts() -> None:
    for path, content in source_files().items():
        assert path.read_text(encoding="utf-8") == content, "run: revlog ingestion dbt-sources"


def test_the_data_dictionary_is_that_of_the_contracts() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: revlog ingestion dictionary"
