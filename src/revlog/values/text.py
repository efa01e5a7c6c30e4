"""Columns of text, looked at through their buffers: what a whole column holds, without a loop."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def as_array(values: Any) -> pa.StringArray:
    """One contiguous array of text."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], pa.string())
    return array if array.type == pa.string() else array.cast(pa.string())


def mask(values: Any) -> Mask:
    """A boolean Arrow array with null as False."""
    if values.null_count:
        values = pc.fill_null(values, False)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    found: Mask = values.to_numpy(zero_copy_only=False).astype(bool, copy=False)
    return found


def is_valid(values: pa.Array) -> Mask:
    """True where a value is there."""
    if not values.null_count:
        return np.ones(len(values), dtype=bool)
    return mask(values.is_valid())


def offsets(values: pa.StringArray) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Start of each value in the data buffer, and the end of the last one."""
    if not len(values):
        return np.zeros(1, dtype=np.int32)
    found = np.frombuffer(values.buffers()[1], np.int32)
    return found[values.offset : values.offset + len(values) + 1]


def data(values: pa.StringArray) -> memoryview:
    """Bytes of all values, end to end."""
    buffer = values.buffers()[2]
    at = offsets(values)
    return memoryview(b"" if buffer is None else buffer)[int(at[0]) : int(at[-1])]


def lengths(values: pa.StringArray) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Bytes of each value; 0 for null."""
    return np.diff(offsets(values))


def consists_of(values: pa.StringArray, allowed: bytes) -> bool:
    """True when no value holds any other byte."""
    return not bytes(data(values)).translate(None, allowed)


def translated(values: pa.StringArray, old: bytes, new: bytes) -> pa.StringArray:
    """The same text with single bytes replaced by others."""
    swapped = bytes(data(values)).translate(bytes.maketrans(old, new))
    at = offsets(values)
    starts = pa.py_buffer(np.ascontiguousarray(at - at[0]))
    validity = None if not values.null_count else packed(is_valid(values))
    return pa.StringArray.from_buffers(len(values), starts, pa.py_buffer(swapped), validity)


def trimmed(values: pa.StringArray) -> pa.StringArray:
    """Without white space around the values; empty ones become null."""
    raw = np.frombuffer(data(values), np.uint8)
    at = offsets(values) - offsets(values)[0]
    filled = at[1:] > at[:-1]
    starts, ends = (at[:-1], at[1:]) if filled.all() else (at[:-1][filled], at[1:][filled])
    # Beyond ASCII there are more kinds of white space; let Arrow look where any may be.
    if _may_be_space(raw[starts]) or _may_be_space(raw[ends - 1]):
        values = pc.utf8_trim_whitespace(values)
        filled = lengths(values) > 0
    return _null_where_not(values, filled)


def without_empty(values: pa.StringArray) -> pa.StringArray:
    """The same values, null where they are empty."""
    return _null_where_not(values, lengths(values) > 0)


def _null_where_not(values: pa.StringArray, filled: Mask) -> pa.StringArray:
    if filled.all() or bool((filled == is_valid(values)).all()):
        return values
    return pc.if_else(pa.array(filled), values, pa.scalar(None, pa.string()))


# What has no form of its own: control characters that are no white space, soft hyphen, zero width characters,
# marks of direction, the byte order mark.
INVISIBLE = "\u0001-\u0008\u000e-\u001f\u007f"
INVISIBLE += "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_CONTROLS = bytes([*range(1, 9), *range(14, 32), 127])
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")


def shown(text: str) -> str:
    """A name as it is seen: without invisible characters, and without white space around it."""
    if text.isascii() and not _INVISIBLE.search(text):
        return text.strip()
    return " ".join(_INVISIBLE.sub("", text).split())


def visible(values: pa.StringArray) -> tuple[pa.StringArray, Mask]:
    """Identifiers as they are seen, and which of them were changed.

    What is invisible is taken out wherever it stands, and a space that does not break is one that does.
    """
    unchanged = np.zeros(len(values), dtype=bool)
    characters = bytes(data(values))
    if characters.isascii() and len(characters.translate(None, _CONTROLS)) == len(characters):
        return values, unchanged
    plain = pc.replace_substring_regex(values, f"[{INVISIBLE}]+", "")
    plain = pc.replace_substring_regex(plain, "[\u00a0\u2007\u202f]", " ")
    changed = mask(pc.not_equal(plain, values))
    return (trimmed(plain), changed) if changed.any() else (values, unchanged)


def _may_be_space(characters: np.ndarray[Any, np.dtype[np.uint8]]) -> bool:
    """True where some character is no visible one of ASCII."""
    return bool((characters - np.uint8(33) > 126 - 33).any())


def without(values: pa.Array, bad: Mask) -> pa.Array:
    """The same column with null where `bad`."""
    if not bad.any():
        return values
    return pc.if_else(pa.array(~bad), values, pa.scalar(None, values.type))


def without_words(values: pa.StringArray, words: tuple[str, ...]) -> pa.StringArray:
    """The same column with null where a value is one of the `words` for nothing."""
    if not words:
        return values
    return without(values, mask(pc.is_in(values, value_set=pa.array(words, pa.string()))))


def packed(valid: Mask) -> pa.Buffer:
    """The mask as Arrow's validity bitmap."""
    return pa.py_buffer(np.packbits(valid, bitorder="little"))
