"""What readers take and give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import pyarrow as pa

from revlog.contracts.layout import Kind
from revlog.values.reasons import Reason

# Rows of a chunk where rows pass through Python objects, and characters of their texts: what comes first
# bounds the memory.
CHUNK_ROWS, CHUNK_CHARACTERS = 20_000, 16 << 20
# Begins what a column without a name is called.
NAMELESS = "no. "


@dataclass(frozen=True)
class Scan:
    """What one pass over a file's bytes tells before it is parsed."""

    sha256: str
    size: int
    head: bytes


@dataclass(frozen=True)
class Source:
    """A file to read: its name, how to open it anew, and its scan."""

    name: str
    open: Callable[[], IO[bytes]]
    scan: Scan


@dataclass(frozen=True)
class BadRow:
    """A row that is set apart: where it stands, why, and in `readable` what could be read of it, as JSON."""

    line_no: int
    record_no: int
    reason: Reason
    column: str | None
    raw_text: str
    detail: str = ""
    readable: str | None = None


@dataclass
class Chunk:
    """Some consecutive rows of a file.

    `table` holds text columns under the file's own names, null or empty where nothing is there;
    `line_no` and `record_no` are aligned with it, and `raw_text(i)` is row i as the file has it.
    `control` are rows that state totals, as lists of text; `root` what an XML root says; `skipped`
    counts the rows that the layout leaves out. Where a SELECT made the rows, `kinds` tells what it typed
    by column, and `records` counts the rows of the file that they were made of. Formats whose rows may each
    have names of their own keep what nobody knows in `extras`, by row, so that no column is made of it.
    """

    table: pa.Table
    line_no: np.ndarray[Any, np.dtype[np.int64]]
    record_no: np.ndarray[Any, np.dtype[np.int64]]
    raw_text: Callable[[int], str]
    bad: list[BadRow] = field(default_factory=list)
    control: list[list[str]] = field(default_factory=list)
    root: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    kinds: dict[str, Kind] = field(default_factory=dict)
    records: int | None = None
    extras: list[dict[str, str | None]] = field(default_factory=list)


def size_of(text: str, extra: dict[str, str | None]) -> int:
    """Characters that a row holds: its text, and what lies around it and comes with each row anew."""
    return len(text) + sum(len(name) + len(value or "") for name, value in extra.items())


def told_apart(names: list[str]) -> list[str]:
    """The names of a header; one that came before gets its number: `Amount`, `Amount [2]`.

    Where there is none its place stands for it.
    """
    seen: dict[str, int] = {}
    found: list[str] = []
    for place, given in enumerate(names, start=1):
        name = given or f"{NAMELESS}{place}"
        seen[name] = seen.get(name, 0) + 1
        found.append(f"{name} [{seen[name]}]" if seen[name] > 1 else name)
    return found


def parse_instant(text: str) -> dt.datetime:
    """Parse an ISO 8601 instant; raises ValueError without an offset."""
    found = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return found
