"""Fingerprints of rows: one 64-bit number a row, computed a column at a time.

A string is filled up with zeros to 8, 16, 32 … bytes and folded by words of 64 bits, after its length;
fixed-width values are their own words; both are mixed column by column. Equal rows have equal numbers
on every machine. Among ten million different rows two share a number with a chance of about 1 in
400,000, so keys are compared themselves, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from revlog.values.text import data, is_valid, lengths, mask

Numbers = np.ndarray[Any, np.dtype[np.uint64]]
# Odd numbers with well spread bits (golden ratio and splitmix64's constants).
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_NULL = np.uint64(0x94D049BB133111EB)
_WORD = 8
THREE_DECIMALS = 3
# Strings of one size are taken in slices, so that they stay in the processor's cache.
SLICE_BYTES = 1 << 19


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


def _column(column: pa.Array) -> Numbers:
    numbers = _strings(column) if pa.types.is_string(column.type) else _words(column)
    if column.null_count:
        numbers = np.where(is_valid(column), numbers, _NULL)
    return (numbers ^ (numbers >> np.uint64(32))) * _MIX


def _strings(column: pa.StringArray) -> Numbers:
    """Folded words of each string; strings of one size after filling up are taken together."""
    sizes = lengths(column).astype(np.int64)
    if not len(sizes):
        return np.empty(0, dtype=np.uint64)
    least, most = _filled_up(int(sizes.min())), _filled_up(int(sizes.max()))
    if least == most:
        return _folded(column, sizes, most)
    found = np.empty(len(column), dtype=np.uint64)
    while most >= least:
        rows = np.flatnonzero((sizes <= most) & (sizes > (most // 2 if most > _WORD else -1)))
        if len(rows):
            found[rows] = _folded(column.take(pa.array(rows)), sizes[rows], most)
        most //= 2
    return found


def _filled_up(size: int) -> int:
    """The smallest of 8, 16, 32 … that holds `size` bytes."""
    return max(_WORD, 1 << (size - 1).bit_length())


def _folded(column: pa.StringArray, sizes: Any, width: int) -> Numbers:
    step = max(1, SLICE_BYTES // width)
    pieces = [
        _fold(_matrix(column[i : i + step], sizes[i : i + step], width), sizes[i : i + step])
        for i in range(0, len(column), step)
    ]
    return np.concatenate(pieces)


def _matrix(column: pa.StringArray, sizes: Any, width: int) -> Numbers:
    """Words of each string, filled up with zeros to `width` bytes."""
    cells = np.zeros((len(column), width), dtype=np.uint8)
    content, size = np.frombuffer(data(column), np.uint8), int(sizes[0])
    if (sizes == size).all():
        cells[:, :size] = content.reshape(len(column), size)
    else:
        cells[np.arange(width) < sizes[:, np.newaxis]] = content
    return cells.view("<u8")


def _fold(words: Numbers, sizes: Any) -> Numbers:
    total = sizes.astype(np.uint64) * _MIX
    for i in range(words.shape[1]):
        total = (total ^ words[:, i]) * np.uint64(_BASE)
        total ^= total >> np.uint64(32)
    return total


def _words(column: pa.Array) -> Numbers:
    if pa.types.is_boolean(column.type):
        return column.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64)
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32()).cast(pa.int64())
    if pa.types.is_decimal(column.type) and column.type.scale == THREE_DECIMALS:
        return _amounts(column)
    size = column.type.bit_width // 64
    words = np.frombuffer(column.buffers()[1], np.uint64)
    words = words[column.offset * size : (column.offset + len(column)) * size]
    if size == 1:
        return words
    return words[0::2] * np.uint64(_BASE) + words[1::2]


def _amounts(column: pa.Array) -> Numbers:
    """Words of amounts with three decimals; where two tell all, those of the amount with two."""
    short = pc.round(column, 2)
    is_short = mask(pc.equal(short, column))
    return np.where(is_short, _words(short.cast(pa.decimal128(18, 2))), _whole_words(column) * _MIX)


def _whole_words(column: pa.Array) -> Numbers:
    words = np.frombuffer(column.buffers()[1], np.uint64)
    words = words[column.offset * 2 : (column.offset + len(column)) * 2]
    return words[0::2] * np.uint64(_BASE) + words[1::2]
