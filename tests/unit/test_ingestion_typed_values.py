"""Numbers, formats and times of workbooks and Parquet as text."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlog.contracts.contract import Contract, ContractError, load_contract
from revlog.ingestion.readers.parquet import _as_text
from revlog.ingestion.readers.typed import Target, targets
from revlog.ingestion.readers.workbook import NumberFormat, Workbook, number_format
from revlog.ingestion.readers.xlsx import plain_number
from revlog.values.text import Mask
from tests.unit.test_ingestion_contract import _contract

WHEN = dt.datetime(2025, 3, 1, 10)


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("5", "5"), ("005", "5"), ("-7", "-7"), ("1.1000000000000001", "1.1"), ("100.2", "100.2"), ("2.50",
        "2.5"),
        ("3.0", "3"), ("1E-3", "0.001"), ("1.5E+3", "1500"), ("0.30000000000000004", "0.3"),
        ("13.860000000000001", "13.86"), ("12345678901234.56", "12345678901234.56"),
        ("9007199254740991", "9007199254740991"), ("9007199254740993", "9.00719925474099300E+15"),
        ("1.23E+20", "1.23000000000000000E+20"), ("-0", "0"),
    ],
)  # fmt: skip
def test_a_number_has_the_digits_that_a_spreadsheet_shows(stored: str, text: str) -> None:
    assert plain_number(stored) == text


@given(st.integers(-(10**14), 10**14), st.integers(0, 8))
def test_a_number_of_15_digits_comes_back_as_it_was_written(digits: int, scale: int) -> None:
    """Whether its writer rounds to 15 digits, as spreadsheets do, or writes all 17."""
    number = Decimal(digits).scaleb(-scale)
    for stored in (repr(float(number)), f"{float(number):.15g}", f"{float(number):.17g}"):
        assert Decimal(plain_number(stored)) == number


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        (0, "General", NumberFormat()),
        (14, "", NumberFormat(has_date=True)),
        (20, "", NumberFormat(has_time=True)),
        (22, "m/d/yy h:mm", NumberFormat(has_date=True, has_time=True)),
        (46, "", NumberFormat(has_time=True)),
        (164, "yyyy-mm-dd", NumberFormat(has_date=True)),
        (164, "yyyy\\-mm\\-dd\\ hh:mm:ss", NumberFormat(has_date=True, has_time=True)),
        (164, "[$-407]TT.MM.JJJJ;@", NumberFormat(has_date=True)),
        (164, "[$-409]d-mmm-yy h:mm AM/PM;@", NumberFormat(has_date=True, has_time=True)),
        (164, "mm:ss.0", NumberFormat(has_time=True)),
        (164, "[h]:mm", NumberFormat(has_time=True)),
        (164, "mmm", NumberFormat(has_date=True)),
        (164, '#,##0.00 "days"', NumberFormat()),
        (164, "[Red]0.00_d;[Blue]-0.00", NumberFormat()),
        (164, "0.00E+00", NumberFormat(is_scientific=True)),
        (164, "0.0%", NumberFormat(is_percent=True)),
        (164, "000000", NumberFormat(zeros=6)),
        (164, "@", NumberFormat()),
    ],
)
def test_a_number_format_tells_what_a_number_stands_for(
    number: int, code: str, expected: NumberFormat
) -> None:
    assert number_format(number, code) == expected


def test_dates_are_told_in_the_layouts_words() -> None:
    """Company files in decimal commas and German dates: a native cell is spelled as they are."""
    contract = load_contract("erp_vendor_claims", "standard")
    opened, updated, amount, note = targets(
        contract, contract.layouts["standard"], ["opened_on", "updated_at", "claimed_amount", "note"]
    )
    assert (opened.format, updated.format) == ("%d.%m.%Y", "%d.%m.%Y %H:%M:%S")
    assert amount.number("1234.5") == "1234,5"
    assert note.number("1234.5") == "1234.5" and note.name is None
    assert opened.is_whole(0) and not opened.is_whole(1)
    assert updated.is_whole(5 * 10**9) and not updated.is_whole(5 * 10**9 + 1)


def test_an_instant_is_never_told_in_local_time() -> None:
    contract = load_contract("erp_vendor_claims", "standard")
    [updated] = targets(contract, contract.layouts["standard"], ["updated_at"])
    assert not updated.is_utc
    instants = pa.array([WHEN.replace(tzinfo=dt.UTC)], pa.timestamp("us", "Europe/Berlin"))
    assert _text(instants, updated) == ["2025-03-01T10:00:00Z"]
    assert _text(pa.array([WHEN], pa.timestamp("us")), updated) == ["01.03.2025 10:00:00"]


def _text(values: pa.Array, target: Target) -> list[Any]:
    return _as_text(values, target, "x")[0].to_pylist()


def _ids(values: pa.Array) -> tuple[list[Any], list[bool]]:
    """Texts of an id column, and which values are set apart."""
    contract = load_contract("erp_vendor_claims", "standard")
    [target] = targets(contract, contract.layouts["standard"], ["serial_no"])
    text, faults = _as_text(values, target, "serial_no")
    bad: Mask = sum((mask for mask, _ in faults[1:]), faults[0][0].copy()) if faults else []
    return text.to_pylist(), list(bad)


def test_whole_doubles_are_ids_without_a_point_and_others_are_set_apart() -> None:
    text, bad = _ids(pa.array([3.0, 2.5, 2.0**53, float("nan"), None]))
    assert text[0] == "3" and text[4] is None
    assert bad == [False, True, False, True, False]
    assert text[2] == "9.007199254740992e+15", "an exponent: the converter sets it apart"


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ({"id": [0, 4]}, "overlaps the start"),
        ({"id": [1, 0]}, "has no characters"),
        ({"id": [1, 4], "more": [4, 2]}, "overlaps id"),
        ({"more": [1, 4]}, "no place for the required column id"),
        ({}, "needs `widths`"),
    ],
)
def test_places_that_can_not_be_are_told(widths: dict[str, Any], message: str) -> None:
    layout = {"file": "x_{date}.txt", "format": "fixed_width", "widths": widths}
    with pytest.raises(ContractError, match=message):
        _contract(layouts={"standard": layout})


def test_a_place_that_the_contract_does_not_know_is_an_extra_column() -> None:
    layout = {"file": "x_{date}.txt", "format": "fixed_width", "widths": {"no": [1, 4], "note": [5, 2]}}
    contract: Contract = _contract(layouts={"standard": layout | {"columns": {"id": "no"}}})
    assert list(contract.layouts["standard"].widths) == ["no", "note"]


def test_what_another_library_wrote_is_read_exactly() -> None:
    book = openpyxl.Workbook()
    book.active.append([0.1 + 0.2, 1e-7, 123456789.12, WHEN])
    out = io.BytesIO()
    book.save(out)
    found = Workbook(out, len(out.getvalue()))
    [(number, cells)] = found.rows(found.sheet(None))
    assert number == 1
    assert [plain_number(c.text) for c in cells[:3]] == ["0.3", "0.0000001", "123456789.12"]
    assert cells[3].format == NumberFormat(has_date=True, has_time=True)
