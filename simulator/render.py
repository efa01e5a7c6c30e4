"""Columns of numbers to columns of text, and those to the lines of a file, all in bulk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Text: TypeAlias = pa.Array
QUARTER_HOUR, QUARTERS = 900, 56  # offsets go from -14 to +14 hours
UNIT = "\x1f"  # between the values of a row that ends in a sheet or a table of columns


def choice(names: Sequence[str | None], index: np.ndarray) -> Text:
    """Names by index; an index below 0 is null."""
    index = np.asarray(index)
    return pa.array(names, pa.string()).take(pa.array(index, mask=index < 0))


def number(prefix: str, values: np.ndarray, width: int = 13) -> Text:
    """A prefix and the zero-padded number; a value below 0 is null."""
    values = np.asarray(values, dtype=np.int64)
    digits = pc.utf8_lpad(pc.cast(pa.array(values, mask=values < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def integer(values: np.ndarray, keep: np.ndarray | None = None) -> Text:
    """Whole numbers as text; null where `keep` is false."""
    mask = None if keep is None else ~np.asarray(keep, dtype=bool)
    return pc.cast(pa.array(np.asarray(values, dtype=np.int64), mask=mask), pa.string())


def fixed(values: np.ndarray, decimals: int = 2, point: str = ".", group: str = "") -> Text:
    """Scaled integers as decimal text, e.g. cents with two decimals; `group` marks thousands."""
    values = np.asarray(values, dtype=np.int64)
    size = np.abs(values)
    one = 10**decimals
    whole = pc.cast(pa.array(size // one), pa.string())
    if group:
        while True:
            marked = pc.replace_substring_regex(whole, r"^(\d+)(\d{3})(\D|$)", rf"\1{group}\2\3")
            if marked.equals(whole):
                break
            whole = marked
    part = pc.utf8_lpad(pc.cast(pa.array(size % one), pa.string()), decimals, "0")
    sign = pc.if_else(pa.array(values < 0), "-", "")
    return pc.binary_join_element_wise(sign, whole, point, part, "")


# Where the parts of a time stand in Arrow's own spelling, 2026-01-31 10:20:30.
_PLACES = {
    "%Y-%m-%d": (0, 10), "%H:%M:%S": (11, 19), "%Y": (0, 4), "%m": (5, 7), "%d": (8, 10), "%H": (11, 13),
    "%M": (14, 16), "%S": (17, 19),
}  # fmt: skip
_PARTS = re.compile("(" + "|".join(_PLACES) + ")")


def stamp(seconds: np.ndarray, form: str, zone: str = "UTC", end: int | None = None) -> Text:
    """Times as text in a zone; null for times at or after `end`.

    The format's parts are cut from Arrow's own spelling: its strftime takes twenty times as long.
    """
    text = pc.cast(pc.local_timestamp(_times(seconds, zone, end)), pa.string())
    parts = [
        pc.utf8_slice_codeunits(text, *_PLACES[part]) if part in _PLACES else part
        for part in _PARTS.split(form)
        if part
    ]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "")


def _times(seconds: np.ndarray, zone: str, end: int | None) -> pa.Array:
    seconds = np.asarray(seconds, dtype=np.int64)
    mask = None if end is None else seconds >= end
    safe = seconds if mask is None else np.where(mask, 0, seconds)
    return pa.array(safe, pa.timestamp("s", tz="UTC"), mask=mask).cast(pa.timestamp("s", tz=zone))


def iso(seconds: np.ndarray, zone: str = "UTC", end: int | None = None) -> Text:
    """Times in ISO 8601 with the zone's offset, `Z` for UTC."""
    if zone == "UTC":
        return stamp(seconds, "%Y-%m-%dT%H:%M:%SZ", end=end)
    text = stamp(seconds, "%Y-%m-%dT%H:%M:%S", zone, end)
    return pc.binary_join_element_wise(text, _offsets(_times(seconds, zone, end)), "")


def _offsets(times: pa.Array) -> Text:
    """Offsets from UTC as `+01:00`."""
    local = pc.local_timestamp(times).cast(pa.int64())
    quarters = pc.fill_null(pc.subtract(local, times.cast(pa.int64())), 0).to_numpy() // QUARTER_HOUR
    names = [_offset(quarter) for quarter in range(-QUARTERS, QUARTERS + 1)]
    return choice(names, quarters + QUARTERS)


def _offset(quarter: int) -> str:
    minutes = abs(quarter) * 15
    return f"{'-' if quarter < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def flag(values: np.ndarray, true: str, false: str) -> Text:
    """Booleans in a system's own spelling."""
    return pc.if_else(pa.array(np.asarray(values, dtype=bool)), true, false)


def csv_lines(columns: dict[str, Text], delimiter: str = ",", end: str = "\n") -> Text:
    """Lines of a CSV without quoting: no value may hold the delimiter, a quote or a line break."""
    line = pc.binary_join_element_wise(
        *columns.values(), delimiter, null_handling="replace", null_replacement=""
    )
    return pc.binary_join_element_wise(line, end, "")


def json_lines(columns: dict[str, Text], bare: Sequence[str] = ()) -> Text:
    """One JSON object a line; the columns in `bare` are numbers or booleans. Nulls are null."""
    parts: list[object] = []
    for position, (name, values) in enumerate(columns.items()):
        parts.append(("{" if position == 0 else ",") + f'"{name}":')
        text = values if name in bare else pc.binary_join_element_wise('"', values, '"', "")
        parts.append(pc.fill_null(text, "null"))
    return pc.binary_join_element_wise(*parts, "}\n", "")


def element(name: str, values: Text) -> Text:
    """An XML element a value; nothing where it is null."""
    return pc.fill_null(pc.binary_join_element_wise(f"<{name}>", values, f"</{name}>", ""), "")


def content(lines: Text) -> bytes:
    """The bytes of all lines in one piece."""
    if isinstance(lines, pa.ChunkedArray):
        return b"".join(content(chunk) for chunk in lines.chunks)
    if len(lines) == 0:
        return b""
    lines = pa.concat_arrays([lines])
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int32)
    first, last = offsets[lines.offset], offsets[lines.offset + len(lines)]
    return lines.buffers()[2][int(first) : int(last)].to_pybytes()
