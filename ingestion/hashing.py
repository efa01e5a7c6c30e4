"""Fingerprints of rows: one 64-bit number a row, computed a column at a time.

A string's number is its polynomial over 2^64, fixed-width values are their own words; both are
mixed column by column. Equal rows have equal numbers on every machine. Among ten million different
rows two share a number with a chance of about 1 in 400,000, so keys are compared themselves, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from ingestion.text import data, is_valid, offsets

Numbers = np.ndarray[Any, np.dtype[np.uint64]]
# Odd numbers with well spread bits (golden ratio and splitmix64's constants).
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NULL = np.uint64(0x94D049BB133111EB)
# Strings are taken in slices, so that the tables of powers stay small.
SLICE_BYTES = 1 << 18


def row_numbers(columns: Iterable[pa.Array]) -> Numbers:
    """One number a row over `columns`, which are of equal length and in a fixed order."""
    total: Numbers | None = None
    for column in columns:
        numbers = _column(column)
        total = numbers if total is None else total * _MIX + numbers
        total = total ^ (total >> np.uint64(31))
    if total is None:
        raise ValueError("no columns to take a fingerprint of")
    return total


def as_hex(numbers: Numbers) -> pa.StringArray:
    """The numbers as 16 hexadecimal digits each."""
    text = numbers.astype(">u8").tobytes().hex().encode()
    starts = np.arange(0, 16 * len(numbers) + 1, 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(starts), pa.py_buffer(text))


def _column(column: pa.Array) -> Numbers:
    numbers = _strings(column) if pa.types.is_string(column.type) else _words(column)
    if column.null_count:
        numbers = np.where(is_valid(column), numbers, _NULL)
    return (numbers ^ (numbers >> np.uint64(32))) * _MIX


def _strings(column: pa.StringArray) -> Numbers:
    at = offsets(column).astype(np.int64)
    at = at - at[0]
    found = np.empty(len(column), dtype=np.uint64)
    content = np.frombuffer(data(column), np.uint8)
    first = 0
    while first < len(column):
        last = int(np.searchsorted(at, at[first] + SLICE_BYTES, side="right")) - 1
        last = max(last, first + 1)
        piece = at[first : last + 1]
        found[first:last] = _polynomials(content[piece[0] : piece[-1]], piece - piece[0])
        first = last
    return found


def _polynomials(content: Any, at: Any) -> Numbers:
    """Polynomial of each string in `content`: prefix sums, then shifted back to the power 0."""
    powers, inverse = _powers(max(SLICE_BYTES, int(at[-1])))
    sums = np.zeros(int(at[-1]) + 1, dtype=np.uint64)
    np.cumsum(content * powers[: int(at[-1])], out=sums[1:])
    found = (sums[at[1:]] - sums[at[:-1]]) * inverse[at[:-1]]
    return found + np.diff(at).astype(np.uint64)  # so that trailing NULs differ


def _words(column: pa.Array) -> Numbers:
    if pa.types.is_boolean(column.type):
        return column.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64)
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32()).cast(pa.int64())
    size = column.type.bit_width // 64
    words = np.frombuffer(column.buffers()[1], np.uint64)
    words = words[column.offset * size : (column.offset + len(column)) * size]
    if size == 1:
        return words
    return words[0::2] * np.uint64(_BASE) + words[1::2]


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[Numbers, Numbers]:
    """Powers of the base and of its inverse, modulo 2^64."""
    return _powers_of(_BASE, count), _powers_of(pow(_BASE, -1, 1 << 64), count)


def _powers_of(base: int, count: int) -> Numbers:
    factors = np.full(count + 1, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors, dtype=np.uint64)
