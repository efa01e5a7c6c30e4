"""Columns of numbers to columns of text, and those to the lines of a file, all in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Text: TypeAlias = pa.Array
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


def stamp(seconds: np.ndarray, form: str, zone: str = "UTC", end: int | None = None) -> Text:
    """Times as text in a zone; null for times at or after `end`."""
    seconds = np.asarray(seconds, dtype=np.int64)
    mask = None if end is None else seconds >= end
    safe = seconds if mask is None else np.where(mask, 0, seconds)
    times = pa.array(safe, pa.timestamp("s", tz="UTC"), mask=mask)
    return pc.strftime(pc.cast(times, pa.timestamp("s", tz=zone)), format=form)


def iso(seconds: np.ndarray, zone: str = "UTC", end: int | None = None) -> Text:
    """Times in ISO 8601 with the zone's offset, `Z` for UTC."""
    if zone == "UTC":
        return stamp(seconds, "%Y-%m-%dT%H:%M:%SZ", end=end)
    text = stamp(seconds, "%Y-%m-%dT%H:%M:%S%z", zone, end)
    return pc.replace_substring_regex(text, r"(\d\d)$", r":\1")


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
