"""Numbers out of text: exact or refused, the same whatever stands beside them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revlog.contracts.layout import Layout
from revlog.contracts.numbers import (
    PRECISIONS,
    Faults,
    plain_numbers,
    rounded_product,
    to_decimal,
    to_integer,
)

POINT = Layout(file="{date}", format="csv")
COMMA = Layout(file="{date}", format="csv", decimal=",", thousands=".")
SIGNS = Layout(file="{date}", format="csv", negatives=("minus", "trailing_minus", "parentheses", "cr"))
# What may come near a number, so that random texts often look like one.
NEARLY = st.text(alphabet="0123456789.,-+eE x", max_size=12)


def _reasons(faults: Faults, size: int) -> list[str | None]:
    found: list[str | None] = [None] * size
    for bad, reason in faults:
        found = [f or (str(reason) if b else None) for f, b in zip(found, bad, strict=True)]
    return found


def _decimals(texts: list[str | None], layout: Layout = POINT, kind: str = "money") -> list[object]:
    """Number or reason of each text."""
    plain, first = plain_numbers(pa.array(texts, pa.string()), layout)
    numbers, second = to_decimal(plain, PRECISIONS[kind])
    reasons = _reasons([*first, *second], len(texts))
    return [r or n for r, n in zip(reasons, numbers.to_pylist(), strict=True)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", "0"), ("-0.5", "-0.50"), ("100.20", "100.20"), ("007.10", "7.10"), ("1.500", "1.50"),
     (".5", "0.50"), ("5.", "5.00"), ("9999999999999999.99", "9999999999999999.99")],
)  # fmt: skip
def test_a_plain_number_is_read_exactly(text: str, number: str) -> None:
    assert _decimals([text]) == [Decimal(number)]
    assert _decimals([text, "x"])[0] == Decimal(number), "also beside a wrong one"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1.005", "too_many_decimals"), ("10000000000000000", "number_out_of_range"),
     ("1e3", "not_a_number"), ("NaN", "not_a_number"), ("inf", "not_a_number"),
     ("+1", "not_a_number"), ("1,5", "not_a_number"), ("--1", "not_a_number"),
     ("0x1F", "not_a_number"), ("1 000", "not_a_number"), (".", "not_a_number"),
     ("1-", "not_a_number"), ("(1)", "not_a_number"), ("１", "not_a_number")],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused(text: str, reason: str) -> None:
    assert _decimals([text]) == [reason]
    assert _decimals(["1", text, None]) == [Decimal("1.00"), reason, None]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.204,50", Decimal("1204.50")), ("1204,5", Decimal("1204.50")), ("-3,00", Decimal("-3.00")),
     ("1.234.567,00", Decimal("1234567.00")), ("1.23", "not_a_number"),
     ("12.34,5", "not_a_number"), ("1,2,3", "not_a_number"), (".500,00", "not_a_number")],
)  # fmt: skip
def test_comma_and_thousands_mark_are_read_as_declared(text: str, number: object) -> None:
    assert _decimals([text], COMMA) == [number]
    assert _decimals([text, "1.000,00"], COMMA)[0] == number


def test_declared_signs_are_negative() -> None:
    texts: list[str | None] = ["1.20-", "(1.20)", "1.20 CR", "-1.20", "-1.20-"]
    assert _decimals(texts, SIGNS) == [Decimal("-1.20")] * 4 + ["not_a_number"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_every_amount_survives_being_written_and_read(amount: Decimal) -> None:
    assert _decimals([f"{amount:f}"]) == [amount]
    assert _decimals([f"{amount:f}".replace(".", ",")], COMMA) == [amount]


@given(NEARLY, NEARLY)
def test_a_text_is_judged_alike_alone_and_in_company(text: str, other: str) -> None:
    assert _decimals([text, other])[0] == _decimals([text])[0]


@given(NEARLY)
def test_what_is_read_equals_what_python_reads(text: str) -> None:
    [found] = _decimals([text])
    if isinstance(found, Decimal):
        assert found == Decimal(text)


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_every_integer_of_64_bits_is_read(number: int) -> None:
    for texts in ([str(number)], [str(number), "x"]):
        plain, _ = plain_numbers(pa.array(texts), POINT)
        assert to_integer(plain)[0][0].as_py() == number


@pytest.mark.parametrize(
    ("text", "found"),
    [("2.0", 2), ("2.50", "too_many_decimals"), ("9223372036854775808", "number_out_of_range"),
     ("-9223372036854775809", "number_out_of_range"), ("00012", 12), ("0x1F", "not_a_number"),
     ("99999999999999999999999", "number_out_of_range"), ("five", "not_a_number")],
)  # fmt: skip
def test_integers_are_whole_and_fit(text: str, found: object) -> None:
    plain, first = plain_numbers(pa.array([text]), POINT)
    numbers, second = to_integer(plain)
    assert (_reasons([*first, *second], 1)[0] or numbers[0].as_py()) == found


@pytest.mark.parametrize(
    ("left", "right", "product"),
    [("6", "2.55", "15.30"), ("3", "0.335", "1.01"), ("-1", "2.125", "-2.13"), ("0", "9", "0.00"),
     ("x", "2", "x * 2"), ("2", "y", "2 * y"), (None, "2", None)],
)  # fmt: skip
def test_a_product_is_exact_and_rounded_half_away_from_zero(
    left: str | None, right: str, product: str | None
) -> None:
    found = rounded_product(pa.array([left], pa.string()), pa.array([right]), 2)
    assert found.to_pylist() == [product]
