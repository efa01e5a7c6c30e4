"""Where the records of delimited text start and end, found on the bytes.

A parser that guesses at a broken quote swallows rows without a word. So structure is checked first:
Arrow then only sees sound records, and each bad one is known by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from revlog.contracts.layout import Layout
from revlog.ingestion.readers.encoding import Decoder
from revlog.values.reasons import FileRejected, Reason, Rejection

# A longer record is taken for a quote that never closes.
MAX_RECORD_BYTES = 1 << 20
NEWLINE = 10

Offsets = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Block:
    """Complete records of one stretch of a file, as UTF-8.

    `lines` are the records' physical lines (from 1) and `known_starts` their byte offsets, None where
    every line is one record; a record ends where the next one starts. `faults` are records not to be
    parsed, by index. `newlines` counts those of the stretch as it was split.
    """

    data: bytes
    lines: Offsets
    known_starts: Offsets | None = None
    faults: dict[int, tuple[Reason, str]] = field(default_factory=dict)
    has_inner_newlines: bool = False
    newlines: int = 0

    def __len__(self) -> int:
        return len(self.lines)

    @cached_property
    def starts(self) -> Offsets:
        """Byte offsets of the records; found when they are asked for."""
        return line_starts(self.data) if self.known_starts is None else self.known_starts

    def bytes_of(self, index: int) -> bytes:
        """Bytes of one record with its line end."""
        end = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.data)
        return self.data[self.starts[index] : end]

    def text(self, index: int) -> str:
        """Text of one record, without its line end."""
        return self.bytes_of(index).rstrip(b"\r\n").decode(errors="replace")

    def from_record(self, first: int) -> Block:
        """The same block from record `first` on, counted from 0."""
        faults = {i - first: f for i, f in self.faults.items() if i >= first}
        if self.known_starts is None:
            rest = self.data[self.starts[first] :] if first < len(self) else b""
            return Block(rest, self.lines[first:], None, faults)
        starts = self.known_starts[first:]
        return Block(self.data, self.lines[first:], starts, faults, self.has_inner_newlines)

    def decoded(self, decoder: Decoder) -> Block:
        """The same block as UTF-8, offsets moved along."""
        text = decoder.utf8(self.data)
        if text is self.data:
            return self
        if self.known_starts is None:
            return Block(text, self.lines, None, self.faults)
        grown = np.cumsum(np.frombuffer(self.data, np.uint8) >= 0x80)
        if len(text) - len(self.data) == grown[-1]:  # each special character became two bytes
            starts = self.starts + np.concatenate([[0], grown])[self.starts]
        else:
            sizes = [len(decoder.utf8(self.bytes_of(i))) for i in range(len(self))]
            starts = np.cumsum([len(decoder.utf8(self.data[: self.starts[0]])), *sizes])[:-1]
        return Block(text, self.lines, starts, self.faults, self.has_inner_newlines)


class Splitter:
    """Cuts a stream of bytes into blocks of whole records."""

    def __init__(self, layout: Layout) -> None:
        self._quote = layout.quote.encode()
        self._delimiter = layout.delimiter.encode()
        q, d = re.escape(self._quote), re.escape(self._delimiter)
        if self._quote:
            text = b"[^" + q + b"]*"
            # The closing quote is not followed by another: else it may be half of a doubled one.
            self._quoted = re.compile(q + text + b"(?:" + q + q + text + b")*" + q + b"(?!" + q + b")")
            self._stray = re.compile(b"[^" + d + q + b"\r\n]" + q + b"[^" + d + q + b"\r\n]")
        self._plain = re.compile(b"[^" + d + b"\n]*")

    def split(self, data: bytes, line: int, at_end: bool) -> tuple[int, Block]:
        """Split `data`, whose first byte stands on `line`, into whole records.

        Returns how many bytes are used; the rest belongs to the next block. Raises FileRejected for
        a quote that never closes or closes in the middle of later text.
        """
        cut = len(data) if at_end else data.rfind(b"\n") + 1
        if cut == 0:
            if len(data) > MAX_RECORD_BYTES:
                raise _unclosed(f"the record at line {line} is longer than a megabyte")
            return 0, _nothing()
        whole = data[:cut]
        is_end = np.frombuffer(whole, np.uint8) == NEWLINE
        if self._is_plain(whole, is_end):
            ends = int(np.count_nonzero(is_end))
            return cut, Block(whole, line + np.arange(ends + (not is_end[-1])), newlines=ends)
        return self._careful(data, cut, line_starts(whole), line, at_end)

    def _is_plain(self, data: bytes, is_end: Any) -> bool:
        """True when each physical line is one sound record, and none is blank."""
        if (self._quote and self._quote in data) or b"\0" in data:
            return False
        if is_end[0] or (is_end[1:] & is_end[:-1]).any():
            return False
        if b"\r" not in data:
            return True
        is_blank = data.startswith(b"\r\n") or b"\n\r\n" in data
        return not is_blank and data.count(b"\r") == data.count(b"\r\n")

    def _careful(self, data: bytes, cut: int, starts: Offsets, line: int, at_end: bool) -> tuple[int, Block]:
        inner = np.zeros(len(starts), dtype=bool)
        faults: dict[int, tuple[Reason, str]] = {}
        last = -1
        for i in self._suspicious(data, cut, starts):
            if i <= last:
                continue
            end, fault = self._walk(data, int(starts[i]))
            if end is None or (end > cut and not at_end):
                if at_end or len(data) - starts[i] > MAX_RECORD_BYTES:
                    raise _unclosed(f"the quote opened at line {line + i} does not close")
                cut, starts, inner = int(starts[i]), starts[:i], inner[:i]
                break
            last = max(i, int(np.searchsorted(starts, end)) - 1)
            inner[i + 1 : last + 1] = True
            if fault and last > i:
                raise _unclosed(f"the quote opened at line {line + i} runs on: {fault}")
            if fault:
                faults[i] = (Reason.RAGGED_ROW, fault)
        return cut, self._block(data[:cut], starts, inner, line, faults)

    def _block(
        self, data: bytes, starts: Offsets, inner: Any, line: int,
        faults: dict[int, tuple[Reason, str]],
    ) -> Block:  # fmt: skip
        """Leave out inner and blank lines, and mark rows with NUL bytes."""
        _mark_nul(data, starts, inner, faults)
        keep = ~inner & ~_blank(data, starts)
        index = np.cumsum(keep) - 1
        kept = {int(index[i]): fault for i, fault in faults.items() if keep[i]}
        lines, newlines = line + np.flatnonzero(keep), data.count(b"\n")
        return Block(data, lines, starts[keep], kept, bool(inner.any()), newlines)

    def _suspicious(self, data: bytes, cut: int, starts: Offsets) -> list[int]:
        """Lines that may not be one sound record: odd quotes, quotes in text, bare returns."""
        found: set[int] = set()
        if self._quote:
            view = np.frombuffer(data, np.uint8, cut)
            quotes = np.flatnonzero(view == self._quote[0])
            counts = np.diff(np.append(np.searchsorted(quotes, starts), len(quotes)))
            found.update(np.flatnonzero(counts % 2).tolist())
            stray = [m.start() for m in self._stray.finditer(data, 0, cut)]
            found.update((np.searchsorted(starts, stray, side="right") - 1).tolist())
        bare = [m.start() for m in re.finditer(rb"\r(?!\n)", data[:cut])]
        found.update((np.searchsorted(starts, bare, side="right") - 1).tolist())
        return sorted(found)

    def _walk(self, data: bytes, start: int) -> tuple[int | None, str | None]:
        """Walk one record; returns where it ends (None: nowhere) and what is wrong with it."""
        position, fault = start, None
        while True:
            if self._quote and data.startswith(self._quote, position):
                closed = self._quoted.match(data, position)
                if closed is None:
                    return None, fault
                position = closed.end()
                if data[position : position + 1] not in (self._delimiter, b"\n", b"\r", b""):
                    fault = "text after a closing quote"
            plain = self._plain.match(data, position)
            assert plain is not None  # it matches nothing, too
            position = plain.end()
            is_last = data[position : position + 1] != self._delimiter
            if b"\r" in (plain.group().removesuffix(b"\r") if is_last else plain.group()):
                fault = "a bare carriage return"
            if is_last:
                return position + 1, fault
            position += 1


def _unclosed(detail: str) -> FileRejected:
    return FileRejected(Rejection.TRUNCATED, f"{detail}; ask for the file again")


def line_starts(data: bytes) -> Offsets:
    """Byte offset of each line."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE).astype(np.int64) + 1
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    return starts[:-1] if data.endswith(b"\n") else starts


def _blank(data: bytes, starts: Offsets) -> Any:
    """True for lines that hold nothing but a line end."""
    lengths = np.diff(np.append(starts, len(data)))
    blank = np.zeros(len(starts), dtype=bool)
    for i in np.flatnonzero(lengths <= 2):
        blank[i] = not data[starts[i] : starts[i] + lengths[i]].strip(b"\r\n")
    return blank


def _mark_nul(data: bytes, starts: Offsets, inner: Any, faults: dict[int, tuple[Reason, str]]) -> None:
    position = data.find(b"\0")
    while position >= 0:
        i = int(np.searchsorted(starts, position, side="right")) - 1
        while inner[i]:
            i -= 1
        faults[i] = (Reason.NUL_BYTE, "a NUL byte in the row")
        position = data.find(b"\0", position + 1)


def _nothing() -> Block:
    return Block(b"", np.empty(0, np.int64))
