"""What the contracts say of their columns is what the converter does: each rule, of each contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from revlog.contracts.contract import Column, Contract, all_feeds, load_contract
from revlog.ingestion.chunk import Chunk
from revlog.ingestion.convert import Converter
from revlog.values.reasons import Reason

Row = dict[str, str | None]
WHEN = dt.datetime(2025, 3, 1, 10)
MATCHING = {"email": "a@b", "fiscal_period": "2025-03", "received_zone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def customer_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key to hash with: without a warehouse there is none, and none is made up."""
    monkeypatch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "key of these tests")


def _sound(contract: Contract) -> Row:
    """A row in which every column has a value that its contract allows."""
    return {name: _value(contract, name, column) for name, column in contract.columns.items()}


def _value(contract: Contract, name: str, column: Column) -> str:
    layout = contract.layouts["standard"]
    if name in MATCHING:
        return MATCHING[name]
    if column.values:
        return column.values[0]
    if column.type == "date":
        return WHEN.strftime(layout.date.format if layout.date else "%Y-%m-%d")
    if column.type == "timestamp":
        form = layout.timestamp.format if layout.timestamp else "iso_offset"
        return WHEN.strftime("%Y-%m-%dT%H:%M:%SZ" if form == "iso_offset" else form)
    if column.type == "boolean":
        return next(iter(layout.booleans))
    numbers = {"integer": "1", "money": "1", "price": "1", "rate": "1", "currency": "EUR"}
    return numbers.get(column.type, "X2" if column.differs_from else "X1")


def _faults(contract: Contract, row: Row) -> list[tuple[Reason, str | None]]:
    """Reason and column of what the converter finds in one row."""
    layout = contract.layouts["standard"]
    names = {n: layout.columns.get(n, n) for n in row}
    table = pa.table({names[n]: pa.array([v], pa.string()) for n, v in row.items()})
    one = np.ones(1, dtype=np.int64)
    part = Converter(contract, layout).convert(Chunk(table, one, one, lambda _: ""))
    assert part.rows.num_rows + len(part.bad) == 1
    return [(bad.reason, bad.column) for bad in part.bad]


def _columns(rule: str) -> Iterator[tuple[str, str]]:
    for feed in all_feeds():
        for name, column in load_contract(feed, "standard").columns.items():
            if getattr(column, rule):
                yield feed, name


@pytest.mark.parametrize("feed", all_feeds())
def test_a_sound_row_has_no_fault(feed: str) -> None:
    contract = load_contract(feed, "standard")
    assert _faults(contract, _sound(contract)) == []


@pytest.mark.parametrize("feed", all_feeds())
def test_a_row_of_required_columns_alone_has_no_fault(feed: str) -> None:
    contract = load_contract(feed, "standard")
    row = {n: v if contract.columns[n].required else None for n, v in _sound(contract).items()}
    assert _faults(contract, row) == []


@pytest.mark.parametrize(("feed", "name"), _columns("required"))
def test_a_required_column_must_have_a_value(feed: str, name: str) -> None:
    contract = load_contract(feed, "standard")
    missing = [(Reason.MISSING_VALUE, name)]
    if contract.columns[name].type == "boolean" and "" in contract.layouts["standard"].booleans:
        missing = []  # nothing is the word for false
    for other, column in contract.columns.items():
        if column.zone_column == name:  # without its zone a time can't be placed
            missing = [(Reason.BAD_TIMESTAMP, other)]
    assert _faults(contract, _sound(contract) | {name: None}) == missing


@pytest.mark.parametrize(("feed", "name"), _columns("values"))
def test_a_column_of_a_list_takes_its_values_and_no_other(feed: str, name: str) -> None:
    contract = load_contract(feed, "standard")
    column = contract.columns[name]
    for value in column.values or ():
        assert _faults(contract, _sound(contract) | {name: value}) == []
    others = ["0", "6", "-1", "33"] if column.type == "integer" else ["?", "nothing", "NA"]
    refused = [] if column.other_values == "carry" else [(Reason.VALUE_NOT_ALLOWED, name)]
    for value in others:
        assert _faults(contract, _sound(contract) | {name: value}) == refused


def test_only_the_type_of_a_settlement_is_carried_whatever_it_says() -> None:
    carried = [
        (feed, name)
        for feed in all_feeds()
        for name, column in load_contract(feed, "standard").columns.items()
        if column.other_values == "carry"
    ]
    assert carried == [("erp_payment_settlements", "type")]


def test_a_score_of_service_is_a_number_from_1_to_5() -> None:
    contract = load_contract("crm_cases", "standard")
    assert contract.columns["csat"].values == ("1", "2", "3", "4", "5")
    assert contract.raw_columns["csat"] == "bigint"
    assert _faults(contract, _sound(contract) | {"csat": None}) == []
