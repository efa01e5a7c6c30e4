"""Values that are written well that mean nothing: bounds, zeros, documents that name themselves, far days."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import Scan, Source
from revlog.ingestion.convert import Converter
from revlog.ingestion.reshape import rows_of
from tests.unit.one_file import COLUMNS, contract_of, read


def _contract(**changes: dict[str, Any]) -> Contract:
    """The small contract with more said of some columns."""
    return contract_of({}, columns=COLUMNS | {name: COLUMNS[name] | more for name, more in changes.items()})


@pytest.mark.parametrize("amount", ["10000000000000.01", "-10000000000000.01"])
def test_an_amount_beyond_ten_trillion_is_set_apart_either_way(amount: str) -> None:
    found = read(f"order_no,amount\n1,{amount}\n2,10000000000000\n", _contract())
    assert found.faults == [(2, "number_out_of_range", "amount")]


def test_a_number_reaches_as_far_as_its_contract_says() -> None:
    found = read(f"order_no,line_no\n1,8\n2,9\n3,-9\n4,{-(2**63)}\n5,-8\n", _contract(line_no={"most": 8}))
    assert found.faults == [(line, "number_out_of_range", "line_no") for line in (3, 4, 5)]


@pytest.mark.parametrize(("zero", "column"), [("0", "line_no"), ("0.00", "amount")])
def test_zero_is_set_apart_where_it_says_nothing(zero: str, column: str) -> None:
    found = read(f"order_no,{column}\n1,{zero}\n2,1\n3,\n", _contract(**{column: {"zero": "never"}}))
    assert found.faults == [(2, "zero_not_allowed", column)]


def test_a_rate_from_something_to_itself_is_one() -> None:
    contract = _contract(amount={"one_where_same": ["sku", "note"]})
    found = read("order_no,sku,note,amount\n1,A,A,7\n2,A,A,1\n3,A,B,7\n4,,,7\n5,A,A,\n", contract)
    assert found.faults == [(2, "rate_to_itself", "amount")]


def test_a_document_does_not_name_itself() -> None:
    contract = _contract(sku={"differs_from": "order_no"})
    assert read("order_no,sku\n1,1\n2,1\n3,\n", contract).faults == [(2, "names_itself", "sku")]


@pytest.mark.parametrize(("future", "faults"), [(False, [(3, "date_out_of_range", "sold_on")]), (True, [])])
def test_a_day_over_a_year_after_its_file_is_set_apart_unless_it_may_be(future: bool, faults: Any) -> None:
    contract = _contract(sold_on={"future": future})
    content = b"order_no,sold_on\n1,2027-02-01\n2,2027-02-02\n"  # 366 and 367 days after the file
    converter = Converter(contract, contract.layouts["own"], day=dt.date(2026, 1, 31))
    chunks = rows_of(
        Source("x", lambda: io.BytesIO(content), Scan("", len(content), content)), contract, "own"
    )
    bad = [row for chunk in chunks for row in converter.convert(chunk).bad]
    assert [(row.line_no, str(row.reason), row.column) for row in bad] == faults
