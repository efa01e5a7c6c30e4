"""Fingerprints: equal rows equal, others not; stable over machines and slices."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ingestion import hashing
from ingestion.hashing import as_hex, row_numbers
from ingestion.pseudonym import keyed_hash

TEXTS = st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=30)


@given(TEXTS)
def test_numbers_are_equal_exactly_where_texts_are(texts: list[str | None]) -> None:
    numbers = row_numbers([pa.array(texts, pa.string())]).tolist()
    assert len(set(numbers)) == len(set(texts))
    assert {(t, n) for t, n in zip(texts, numbers, strict=True)} == set(
        dict(zip(texts, numbers, strict=True)).items()
    )


@given(TEXTS, st.integers(min_value=0, max_value=29))
def test_a_slice_has_the_numbers_of_the_whole(texts: list[str | None], start: int) -> None:
    array = pa.array(texts, pa.string())
    assert (row_numbers([array.slice(start)]) == row_numbers([array])[start:]).all()


def test_values_do_not_run_into_the_next_column() -> None:
    left = row_numbers([pa.array(["ab"]), pa.array(["c"])])
    right = row_numbers([pa.array(["a"]), pa.array(["bc"])])
    assert left[0] != right[0]


def test_columns_do_not_change_places() -> None:
    one, two = pa.array([1, 2]), pa.array([2, 1])
    assert row_numbers([one, two])[0] != row_numbers([two, one])[0]


def test_long_texts_are_taken_in_slices() -> None:
    texts = pa.array(["x" * (hashing.SLICE_BYTES // 2 + 5)] * 3 + ["x" * 10] + ["y" * 300_000])
    numbers = row_numbers([texts]).tolist()
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers)) == 3


def test_every_type_of_a_raw_column_has_numbers() -> None:
    day, moment = dt.date(2025, 1, 1), dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    columns = [
        pa.array([1, 1, 2, None]),
        pa.array([True, True, False, None]),
        pa.array([Decimal("1.50"), Decimal("1.50"), Decimal("-1.50"), None], pa.decimal128(18, 2)),
        pa.array([day, day, day + dt.timedelta(1), None], pa.date32()),
        pa.array([moment, moment, moment + dt.timedelta(1), None], pa.timestamp("us", "UTC")),
    ]
    for column in columns:
        numbers = row_numbers([column]).tolist()
        assert numbers[0] == numbers[1]
        assert len(set(numbers)) == 3


def test_the_fingerprint_is_the_same_on_every_machine() -> None:
    """Written down on the day it was made: dimensions compare fingerprints of years."""
    number = row_numbers([pa.array(["SKU-1"]), pa.array([7])])
    assert as_hex(number).to_pylist() == [FIRST_FINGERPRINT]


def test_the_keyed_hash_is_hmac_sha256() -> None:
    # RFC 4231, test case 2: its first 128 bits.
    hashed = keyed_hash(b"Jefe")("what do ya want for nothing?")
    assert hashed == "5bdcc146bf60754e6a042426089575c7"


def test_a_long_key_is_hashed_first() -> None:
    # RFC 4231, test case 6.
    hashed = keyed_hash(b"\xaa" * 131)("Test Using Larger Than Block-Size Key - Hash Key First")
    assert hashed == "60e431591ee0b67f0d8a26aacbf5b77f"


def _by_hand(text: bytes, number: int) -> str:
    """The definition in plain Python."""
    wrap, mix, base = (1 << 64) - 1, 0xBF58476D1CE4E5B9, 0x9E3779B97F4A7C15
    polynomial = (sum(c * pow(base, i, 1 << 64) for i, c in enumerate(text)) + len(text)) & wrap
    first, second = (((n ^ (n >> 32)) * mix) & wrap for n in (polynomial, number))
    total = first ^ (first >> 31)
    total = (total * mix + second) & wrap
    return f"{total ^ (total >> 31):016x}"


FIRST_FINGERPRINT = _by_hand(b"SKU-1", 7)
