"""Lines of fixed width whose blanks at the end were trimmed, and lines that were cut."""

from __future__ import annotations

import pytest

from revlog.values.reasons import FileRejected
from tests.unit.one_file import OneFile, contract_of, customer_key, read

__all__ = ["customer_key"]

# order_no 1-4, line_no 5-7, note 8-15, amount 16-21, serial 22-24
WIDTHS = {"order_no": [1, 4], "line_no": [5, 3], "note": [8, 8], "amount": [16, 6], "sku": [22, 3]}
WHOLE = "A1    1short     1.50S01"


def _read(*lines: str, end: str = "\n", encoding: str = "utf-8") -> OneFile:
    layout = {"format": "fixed_width", "widths": WIDTHS, "encoding": encoding}
    return read(("\n".join(lines) + end).encode(encoding), contract_of(layout))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("others", [(), (WHOLE,), ("A3   12Größe    22.50",)])
def test_a_line_without_its_blanks_at_the_end_is_read_as_with_them(
    others: tuple[str, ...], encoding: str
) -> None:
    lines = [*others, "A2    2ähnlich   2.50", "A4    7words", "A5    8"]
    found, padded = _read(*lines, encoding=encoding), _read(*(line.ljust(24) for line in lines))
    assert found.faults == padded.faults == []
    for name in ("order_no", "line_no", "note", "amount", "sku"):
        assert found.column(name) == padded.column(name)
    assert found.column("note")[-3:] == ["ähnlich", "words", None]
    assert [str(a) for a in found.column("amount")[-3:]] == ["2.50", "None", "None"]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("A2    2words   2.5", "amount"), ("A2    2words   12", "amount"), ("A2    2words      ", "amount"),
        ("A2   1", "line_no"), ("A", "order_no"), ("A2    2words     2.50S", "sku"),
    ],
)  # fmt: skip
def test_a_line_that_ends_within_a_number_or_a_key_is_no_smaller_one(line: str, column: str) -> None:
    found = _read(WHOLE, line)
    [bad] = found.bad
    assert (bad.line_no, str(bad.reason), bad.detail) == (
        2, "ragged_row", f"{len(line)} characters instead of 24: it ends within {column}",
    )  # fmt: skip
    assert found.column("order_no") == ["A1"]


def test_a_column_that_is_needed_and_cut_off_is_missing() -> None:
    layout = {"format": "fixed_width", "widths": {"note": [1, 5], "order_no": [6, 3]}}
    assert read("words A1\nwords\n", contract_of(layout)).faults == [(2, "missing_value", "order_no")]


def test_a_last_line_that_is_short_and_has_no_end_was_cut_off() -> None:
    with pytest.raises(FileRejected, match="line 2 breaks off: 11 characters instead of 24"):
        _read(WHOLE, "A2    2word", end="")


def test_a_file_whose_lines_all_end_within_numbers_or_keys_is_another_file() -> None:
    with pytest.raises(FileRejected, match="no line has the 24 characters of the layout, line 1 has 6"):
        _read("A1   1", "A2   2")


def test_a_longer_line_is_set_apart_as_before() -> None:
    assert _read(WHOLE, WHOLE + "x").faults == [(2, "ragged_row", None)]
