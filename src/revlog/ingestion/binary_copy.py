"""Rows in PostgreSQL's binary COPY format, made a column at a time.

A row is its number of fields, then each field's length (-1 for null) and bytes, all big-endian.
Fields as wide in every row as in the next are laid side by side by numpy; Arrow joins such blocks with
the values of other widths between them. No value becomes a Python object.
Format: PostgreSQL documentation, COPY, "Binary Format"; types: their `recv` functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from revlog.values.text import as_array, data, is_valid, lengths, packed

HEADER = b"PGCOPY\n\377\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# Handed over in pieces that a socket takes without the server waiting for the next.
WRITE_BYTES = 1 << 18
CACHED_BYTES = 1 << 20
# Arrow's offsets are 32-bit: larger tables are encoded in halves.
MAX_TABLE_BYTES = 1 << 29
TEXT_OID = 25
# PostgreSQL counts from 2000-01-01, Arrow from 1970.
EPOCH_DAYS = 10_957
EPOCH_MICROSECONDS = EPOCH_DAYS * 86_400 * 1_000_000
NEGATIVE = 0x4000
THREE_DECIMALS = 3

Values = Any  # a number for all rows, or an array of one a row
Words = list[tuple[str, Values]]


@dataclass(frozen=True)
class Packet:
    """Rows ready to be sent: names of their columns, and their bytes without header and trailer."""

    columns: tuple[str, ...]
    rows: memoryview


def packets(table: pa.Table) -> list[Packet]:
    """The rows of a table as PostgreSQL reads them; columns of nothing but null are left out.

    Types: bool, int32 (integer), int64 (bigint), date32, timestamp[us], decimal128 up to 18 digits
    before the point (numeric), string (text), list of string (text[]), JSON (jsonb).
    """
    if not table.num_rows:
        return []
    if table.nbytes > MAX_TABLE_BYTES and table.num_rows > 1:
        half = table.num_rows // 2
        return packets(table.slice(0, half)) + packets(table.slice(half))
    return [_packet(table)]


def send(cursor: psycopg.Cursor[Any], schema: str, table: str, packet: Packet) -> None:
    """COPY encoded rows into a table, in the cursor's transaction."""
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, packet.columns))
    )
    with cursor.copy(statement) as copy:
        copy.write(HEADER)
        for start in range(0, len(packet.rows), WRITE_BYTES):
            copy.write(packet.rows[start : start + WRITE_BYTES])
        copy.write(TRAILER)


# -- a table


def _packet(table: pa.Table) -> Packet:
    columns = {n: _whole(table.column(n)) for n in table.column_names}
    filled = [n for n, c in columns.items() if c.null_count < len(c)] or table.column_names[:1]
    fields = {n: _field(columns[n]) for n in filled}
    # In front what is equally wide in all rows: one block of it.
    order = sorted(fields, key=lambda n: fields[n].payload is not None)
    parts = list(_parts([fields[n] for n in order], table.num_rows))
    return Packet(tuple(order), data(_side_by_side(parts)))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    joined = column.combine_chunks()
    return joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined


def _parts(fields: list[_Field], rows: int) -> Iterator[pa.BinaryArray]:
    """Blocks of equally wide fields, and between them the values of others."""
    words: Words = [(">i2", len(fields))]
    for field in fields:
        words += [(">i4", field.size), *field.words]
        if field.payload is not None:
            yield _block(words, rows)
            yield field.payload
            words = []
    if words:
        yield _block(words, rows)


def _block(words: Words, rows: int) -> pa.BinaryArray:
    """Words side by side: one value of fixed width a row.

    What is the same in all rows is written as a whole; some rows at a time, so that they stay in the
    processor's cache while their words are filled in.
    """
    block = np.empty(rows, dtype=[(f"f{i}", kind) for i, (kind, _) in enumerate(words)])
    width = block.dtype.itemsize
    same = np.zeros(1, dtype=block.dtype)
    varying = []
    for i, (_, values) in enumerate(words):
        if isinstance(values, np.ndarray):
            varying.append((block[f"f{i}"], values))
        else:
            same[f"f{i}"] = values
    whole_rows, step = block.view(f"V{width}"), max(1, CACHED_BYTES // width)
    for start in range(0, rows, step):
        some = slice(start, start + step)
        whole_rows[some] = same.view(f"V{width}")
        for field, values in varying:
            field[some] = values[some]
    starts = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(starts), pa.py_buffer(block)])


# -- a column


@dataclass(frozen=True)
class _Field:
    """A column: its length (-1 for null), and either words of fixed width or a payload."""

    size: Values
    words: Words
    payload: pa.BinaryArray | None = None


def _field(column: pa.Array) -> _Field:
    words = _words(column)
    if words is None:
        payload = _payload(column)
        return _Field(_sizes(lengths(payload), column), [], payload)
    width = sum(np.dtype(kind).itemsize for kind, _ in words)
    if not column.null_count:
        return _Field(width, words)
    _, starts, content = _block(words, len(column)).buffers()
    buffers = [packed(is_valid(column)), starts, content]
    payload = pa.Array.from_buffers(pa.binary(), len(column), buffers)
    return _Field(_sizes(width, column), [], payload)


def _sizes(sizes: Values, column: pa.Array) -> Values:
    return np.where(is_valid(column), sizes, -1) if column.null_count else sizes


def _words(column: pa.Array) -> Words | None:
    """The column as words of fixed width; None where its values differ in width."""
    kind = column.type
    if pa.types.is_string(kind):
        return _equally_long(column)
    if pa.types.is_decimal128(kind):
        return _numeric(column)
    if pa.types.is_boolean(kind):
        return [("u1", column.fill_null(False).to_numpy(zero_copy_only=False))]
    if pa.types.is_int64(kind):
        return [(">i8", _buffer(column, np.int64))]
    if pa.types.is_int32(kind):
        return [(">i4", _buffer(column, np.int32))]
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        return [(">i8", _buffer(column, np.int64) - EPOCH_MICROSECONDS)]
    if pa.types.is_date32(kind):
        return [(">i4", _buffer(column, np.int32) - EPOCH_DAYS)]
    return None


def _buffer(column: pa.Array, kind: Any) -> np.ndarray[Any, Any]:
    found = np.frombuffer(column.buffers()[1], kind)
    return found[column.offset : column.offset + len(column)]


def _equally_long(column: pa.StringArray) -> Words | None:
    sizes = lengths(column)
    width = int(sizes[0])
    if column.null_count or not width or (sizes != width).any():
        return None
    kind = f"V{width}"
    return [(kind, np.frombuffer(data(column), np.uint8).view(kind))]


def _numeric(column: pa.Decimal128Array) -> Words:
    """Digits to the base of 10,000, as many in each row; PostgreSQL drops zeros at either end."""
    scale = column.type.scale
    whole, fraction, is_negative = _apart(column)
    behind = -(-scale // 4)
    before = max(1, -(-len(str(int(whole.max()))) // 4))
    # Amounts show two decimals beside those of currencies with three.
    shown = np.where(fraction % 10, scale, scale - 1) if scale == THREE_DECIMALS else scale
    fraction = fraction * 10 ** (4 * behind - scale)
    return [
        (">i2", before + behind),
        (">i2", before - 1),
        (">u2", np.where(is_negative, NEGATIVE, 0) if is_negative.any() else 0),
        (">i2", shown),
        *_digits(whole, before),
        *_digits(fraction, behind),
    ]


def _apart(column: pa.Decimal128Array) -> tuple[Any, Any, Any]:
    """Absolute value before the point, behind it in units of the last place, and the sign."""
    scale = column.type.scale
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(0, column.type))
    if column.type.precision <= 18:
        unscaled = _low_words(column)
        is_negative = unscaled < 0
        unscaled = np.abs(unscaled)
        whole = unscaled // 10**scale
        return whole, unscaled - whole * 10**scale, is_negative
    if max(scale, column.type.precision - scale) > 18:
        raise TypeError(f"{column.type} has more digits on one side of its point than 64 bits hold")
    truncated = pc.trunc(column)
    fraction = _low_words(pc.subtract(column, truncated))
    whole = _low_words(truncated.cast(pa.decimal128(38, 0)))
    return np.abs(whole), np.abs(fraction), (whole < 0) | (fraction < 0)


def _low_words(column: pa.Decimal128Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Lower half of each value: the value itself where it fits into 64 bits."""
    words = np.frombuffer(column.buffers()[1], np.int64)
    return words[2 * column.offset : 2 * (column.offset + len(column)) : 2]


def _digits(values: Any, count: int) -> Words:
    found: Words = []
    for _ in range(count - 1):
        higher = values // 10_000
        found.append((">i2", values - higher * 10_000))
        values = higher
    return [*found, (">i2", values)][::-1] if count else []


def _payload(column: pa.Array) -> pa.BinaryArray:
    """Values of differing width, null as null."""
    kind = column.type
    if pa.types.is_string(kind):
        return column.cast(pa.binary())
    if isinstance(kind, pa.JsonType):
        version = pa.scalar(b"\x01")
        return pc.binary_join_element_wise(version, as_array(column.storage).cast(pa.binary()), b"")
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return _text_arrays(column)
    raise TypeError(f"no binary form of {kind} is known; add it to {__name__}")


def _text_arrays(column: pa.ListArray) -> pa.BinaryArray:
    """One-dimensional arrays of text: a head, then each element with its length."""
    elements = column.flatten()
    sizes = _block([(">i4", _sizes(lengths(elements), elements))], len(elements))
    prefixed = _side_by_side([sizes, elements.cast(pa.binary())])
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    starts = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    bodies = pc.binary_join(pa.ListArray.from_arrays(starts, prefixed), b"")
    # Dimensions, whether nulls, type of the elements; length of the one dimension, its first index.
    head: Words = [(">i4", 1), (">i4", 0), (">i4", TEXT_OID), (">i4", counts), (">i4", 1)]
    found = _side_by_side([_block(head, len(column)), bodies])
    return pc.if_else(column.is_valid(), found, pa.scalar(None, pa.binary()))


def _side_by_side(parts: list[pa.BinaryArray]) -> pa.BinaryArray:
    """One value a row: the values of the parts end to end, null as nothing."""
    return pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement=b"")
