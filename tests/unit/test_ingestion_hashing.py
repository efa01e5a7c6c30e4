"""Fingerprints: equal rows equal, others not; stable over machines and slices."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from revlog.ingestion.pseudonym import pseudonym
from revlog.values import hashing
from revlog.values.hashing import row_numbers

TEXTS = st.lists(st.none() | st.text(max_size=5), min_size=1, max_size=30)


@given(TEXTS)
def test_numbers_are_equal_exactly_where_texts_are(texts: list[str | None]) -> None:
    numbers = row_numbers([pa.array(texts, pa.string())]).tolist()
    assert len(set(numbers)) == len(set(texts))
    assert {(t, n) for t, n in zip(texts, numbers, strict=True)} == set(
        dict(zip(texts, numbers, strict=True)).items()
    )


@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=30))
def test_a_text_has_its_number_whatever_stands_beside_it(texts: list[str]) -> None:
    alone = [row_numbers([pa.array([text])])[0] for text in texts]
    assert row_numbers([pa.array(texts)]).tolist() == alone


def test_zeros_at_the_end_count() -> None:
    numbers = row_numbers([pa.array(["a", "a\0", "a" + "\0" * 7, "a" + "\0" * 8, ""])])
    assert len(set(numbers.tolist())) == 5


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
    numbers = row_numbers([pa.array(["SKU-1"]), pa.array([7])])
    assert numbers.tolist() == [_by_hand(b"SKU-1", 7)]


def test_the_keyed_hash_is_hmac_sha256() -> None:
    # RFC 4231, test case 2: its first 128 bits.
    hashed = pseudonym("what do ya want for nothing?", b"Jefe")
    assert hashed == "5bdcc146bf60754e6a042426089575c7"


def test_a_long_key_is_hashed_first() -> None:
    # RFC 4231, test case 6.
    hashed = pseudonym("Test Using Larger Than Block-Size Key - Hash Key First", b"\xaa" * 131)
    assert hashed == "60e431591ee0b67f0d8a26aacbf5b77f"


def _by_hand(text: bytes, number: int) -> int:
    """The definition in plain Python, for texts of up to 8 bytes."""
    wrap, mix, base = (1 << 64) - 1, 0xBF58476D1CE4E5B9, 0x9E3779B97F4A7C15
    word = int.from_bytes(text.ljust(8, b"\0"), "little")
    folded = (((len(text) * mix) & wrap ^ word) * base) & wrap
    folded ^= folded >> 32
    first, second = (((n ^ (n >> 32)) * mix) & wrap for n in (folded, number))
    total = first ^ (first >> 31)
    total = (total * mix + second) & wrap
    return total ^ (total >> 31)
