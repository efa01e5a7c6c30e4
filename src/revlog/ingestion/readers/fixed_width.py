"""Lines of fixed width, cut at the declared positions, streamed by blocks of whole lines.

Editors and transfers trim the blanks at the end of lines. A line that is too short is filled up with them,
unless it ends within a column whose part would be another value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.ingestion.chunk import BadRow, Chunk, Source
from revlog.ingestion.mapping import Mapping
from revlog.ingestion.readers.encoding import Decoder, opened, refuse_other_formats
from revlog.ingestion.readers.headings import Headings
from revlog.ingestion.readers.records import MAX_RECORD_BYTES, line_starts
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.text import Mask, trimmed

BLOCK_BYTES = 4 << 20
NEWLINE, RETURN = 10, 13
DOS_END = b"\x1a"

Offsets = np.ndarray[Any, np.dtype[np.int64]]
Cells = np.ndarray[Any, np.dtype[np.uint8]]


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the lines of a file; raises FileRejected where no line is as the layout says, or it is cut."""
    refuse_other_formats(source.scan.head)
    layout = contract.layouts[layout_name]
    with opened(source, layout.encoding) as file:
        yield from _FixedWidthFile(file, contract, layout).chunks()


def _whole_columns(contract: Contract, layout: Layout) -> set[str]:
    """Columns within which no line may end: a part of a number, key, code or day is another one."""
    mapping, header = Mapping(contract, layout), list(layout.widths)
    words, others = set[str](), set[str]()
    for name, column in contract.columns.items():
        (words if column.type == "text" else others).update(mapping.sources_of(name, header))
    return set(header) - (words - others)


class _FixedWidthFile:
    """State of one pass: how many records came before, and whether any was as the layout says."""

    def __init__(self, file: IO[bytes], contract: Contract, layout: Layout) -> None:
        self.file = file
        self.whole = _whole_columns(contract, layout)
        self.strips = layout.strip
        self.decoder = Decoder(layout.encoding)
        self.sizes = _encoded_sizes(self.decoder.encoding)
        # Where each column begins and ends within the line.
        self.slots = {name: (first - 1, first - 1 + size) for name, (first, size) in layout.widths.items()}
        self.width = max(end for _, end in self.slots.values())
        self.mark = (layout.control and layout.control.first_column) or None
        self.skipped_lines = [re.compile(p) for p in layout.skip]
        self.headings = Headings(layout)
        self.headings.refuse_own(layout.widths)
        self.has_rows = False
        self.records = 0
        self.is_known = False

    def chunks(self) -> Iterator[Chunk]:
        line = 1
        for data, at_end in self._blocks():
            yield self._chunk(_Lines(data, line), at_end)
            line += data.count(b"\n")
        self.decoder.finish()
        if self.has_rows:
            self.headings.refuse_mute()

    def _blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Blocks of whole lines; True with the last one."""
        rest = self.decoder.start(self.file.read(BLOCK_BYTES))
        is_old_mac = b"\r" in rest and b"\n" not in rest
        while rest:
            more = self.file.read(BLOCK_BYTES)
            if is_old_mac:
                rest, more = rest.replace(b"\r", b"\n"), more.replace(b"\r", b"\n")
            cut = rest.rfind(b"\n") + 1
            if not more:
                yield rest.removesuffix(DOS_END), True
                return
            if cut:
                yield rest[:cut], False
            elif len(rest) > MAX_RECORD_BYTES:
                raise FileRejected(
                    Rejection.NOT_THIS_FORMAT, "a line is longer than a megabyte; ask for the export again"
                )
            rest = rest[cut:] + more

    def _chunk(self, lines: _Lines, at_end: bool) -> Chunk:
        self.decoder.utf8(lines.data)
        control = self._control_lines(lines)
        skipped = [i for i in self._skipped_lines(lines) if i not in control]
        apart = np.zeros(len(lines), dtype=bool)
        apart[[*control, *skipped]] = True
        numbers = self.records + 1 + np.arange(len(lines), dtype=np.int64)
        self.records += len(lines)
        sizes = self._characters(lines)
        faults = self._faults(lines, sizes, apart)
        self._refuse_other_widths(lines, sizes, apart, faults)
        if at_end:
            self._refuse_cut_line(lines, sizes, apart)
        apart[list(faults)] = True
        kept = np.flatnonzero(~apart)
        self.has_rows |= len(kept) > 0
        table = self._table(lines, kept)
        heard = self.headings.heard(skipped, kept, lambda line: self._text(lines, line))
        for name, values in heard.items():
            table = table.append_column(name, pa.array(values, pa.string()))
        bad = [
            BadRow(int(lines.numbers[i]), int(numbers[i]), reason, None, self._text(lines, i), detail)
            for i, (reason, detail) in sorted(faults.items())
        ]
        return Chunk(
            table, lines.numbers[kept], numbers[kept],
            lambda row: self._text(lines, int(kept[row])), bad,
            [self._slots_of(self._text(lines, i)) for i in control], skipped=len(skipped),
        )  # fmt: skip

    # -- what is no sound row

    def _control_lines(self, lines: _Lines) -> list[int]:
        """Index of the lines whose first column holds the mark of a total."""
        if self.mark is None:
            return []
        first, _ = next(iter(self.slots.values()))
        start = re.compile(rb"^.{%d} *%s" % (first, re.escape(self.mark.encode())), re.MULTILINE)
        found = [lines.at(m.start()) for m in start.finditer(lines.data)]
        return [i for i in found if self._slots_of(self._text(lines, i))[0] == self.mark]

    def _skipped_lines(self, lines: _Lines) -> list[int]:
        """Index of the lines that the layout leaves out."""
        if not self.skipped_lines:
            return []
        texts = (self._text(lines, i) for i in range(len(lines)))
        return [i for i, text in enumerate(texts) if any(p.search(text) for p in self.skipped_lines)]

    def _faults(self, lines: _Lines, sizes: Offsets, control: Mask) -> dict[int, tuple[Reason, str]]:
        instead = f"characters instead of {self.width}"
        found: dict[int, tuple[Reason, str]] = {
            int(i): (Reason.RAGGED_ROW, f"{sizes[i]} {instead}")
            for i in np.flatnonzero((sizes > self.width) & ~control)
        }
        for name in self.whole:
            start, end = self.slots[name]
            for i in np.flatnonzero((sizes > start) & (sizes < end) & ~control):
                found[int(i)] = Reason.RAGGED_ROW, f"{sizes[i]} {instead}: it ends within {name}"
        for byte, reason, detail in (
            (b"\r", Reason.RAGGED_ROW, "a bare carriage return"),
            (b"\0", Reason.NUL_BYTE, "a NUL byte in the row"),
        ):
            found |= {i: (reason, detail) for i in lines.holding(byte) if not control[i]}
        return found

    def _characters(self, lines: _Lines) -> Offsets:
        sizes = lines.ends - lines.starts
        if self.sizes is not None or lines.data.isascii():
            return sizes
        for i in np.flatnonzero(lines.holds_special()):
            sizes[i] = len(self._text(lines, int(i)))
        return sizes

    def _refuse_other_widths(
        self, lines: _Lines, sizes: Offsets, control: Mask, faults: dict[int, tuple[Reason, str]]
    ) -> None:
        """Where not one line is as the layout says, it is another file: raises FileRejected."""
        rows = np.flatnonzero(~control)
        self.is_known |= bool((sizes[rows] == self.width).any()) or not faults.keys() >= set(rows.tolist())
        if len(rows) and not self.is_known:
            self.decoder.finish()  # the encoding is the better reason
            raise FileRejected(
                Rejection.NOT_THIS_FORMAT,
                f"no line has the {self.width} characters of the layout, line {lines.numbers[rows[0]]} has "
                f"{sizes[rows[0]]}; ask for the export again, or correct the widths",
            )

    def _refuse_cut_line(self, lines: _Lines, sizes: Offsets, control: Mask) -> None:
        """A last line that is too short and lacks its line end was cut off: raises FileRejected."""
        last = len(lines) - 1
        if last >= 0 and not lines.data.endswith(b"\n") and sizes[last] < self.width and not control[last]:
            raise FileRejected(
                Rejection.TRUNCATED,
                f"line {lines.numbers[last]} breaks off: {sizes[last]} characters instead of {self.width};"
                " ask for the file again",
            )

    # -- columns

    def _text(self, lines: _Lines, index: int) -> str:
        return lines.bytes_of(index).decode(self.decoder.encoding, errors="replace")

    def _slots_of(self, text: str) -> list[str]:
        return [text[start:end].strip() for start, end in self.slots.values()]

    def _table(self, lines: _Lines, kept: Offsets) -> pa.Table:
        if self.sizes is None and not lines.data.isascii():
            texts = [self._text(lines, int(i)) for i in kept]
            columns = [pa.array([t[a:b] for t in texts], pa.string()) for a, b in self.slots.values()]
        else:
            cells = lines.cells(kept, self.width, " ".encode(self.decoder.encoding))
            columns = [self._column(cells[:, start:end]) for start, end in self.slots.values()]
        return pa.Table.from_arrays(
            [trimmed(c) if self.strips else c for c in columns], names=list(self.slots)
        )

    def _column(self, cells: Cells) -> pa.StringArray:
        """Text of one column of bytes, with the blanks that fill it up."""
        data = cells.tobytes()
        sizes = np.full(len(cells), cells.shape[1], dtype=np.int64)
        if not data.isascii():
            assert self.sizes is not None
            sizes = self.sizes[cells].sum(axis=1)
            data = data.decode(self.decoder.encoding).encode()
        ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(sizes).astype(np.int32)])
        return pa.StringArray.from_buffers(len(cells), pa.py_buffer(ends), pa.py_buffer(data))


class _Lines:
    """The lines of a block that hold something, without their ends; numbers are physical lines."""

    def __init__(self, data: bytes, first: int) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, np.uint8)
        starts = line_starts(data) if data else np.empty(0, np.int64)
        ends = np.append(starts[1:], len(data)) - 1 if len(starts) else starts
        if data and not data.endswith(b"\n"):
            ends[-1] += 1
        if b"\r" in data:
            ends = ends - ((ends > starts) & (self._bytes[ends - 1] == RETURN))
        filled = ends > starts
        self.starts, self.ends = starts[filled], ends[filled]
        self.numbers: Offsets = first + np.flatnonzero(filled)

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, position: int) -> int:
        """Index of the line that holds the byte at `position`."""
        return int(np.searchsorted(self.starts, position, side="right")) - 1

    def bytes_of(self, index: int) -> bytes:
        return self.data[self.starts[index] : self.ends[index]]

    def holding(self, byte: bytes) -> list[int]:
        """Index of the lines that hold a byte; their ends do not count."""
        if byte not in self.data:
            return []
        index = self._lines_of(np.flatnonzero(self._bytes == byte[0]))
        return np.unique(index).tolist()

    def holds_special(self) -> Mask:
        """True for the lines with a byte beyond ASCII."""
        found = np.zeros(len(self), dtype=bool)
        found[self._lines_of(np.flatnonzero(self._bytes > 127))] = True
        return found

    def _lines_of(self, positions: Offsets) -> Offsets:
        if not len(self):
            return np.empty(0, np.int64)
        index = np.searchsorted(self.starts, positions, side="right") - 1
        return index[(index >= 0) & (positions < self.ends[index])]

    def cells(self, kept: Offsets, width: int, blank: bytes) -> Cells:
        """The bytes of the `kept` lines as a matrix; those that are too short are filled up."""
        if not len(kept):
            return np.empty((0, width), dtype=np.uint8)
        starts, sizes = self.starts[kept], self.ends[kept] - self.starts[kept]
        steps = np.diff(starts)
        if len(steps) and (steps == steps[0]).all() and (sizes == width).all():
            rows = np.lib.stride_tricks.as_strided(
                self._bytes[starts[0] :], (len(kept), width), (int(steps[0]), 1), writeable=False
            )
            return rows
        joined = b"".join(self.bytes_of(int(i)).ljust(width, blank) for i in kept)
        return np.frombuffer(joined, np.uint8).reshape(-1, width)


def _encoded_sizes(encoding: str) -> Offsets | None:
    """Bytes that each byte takes in UTF-8; None where a character may be several bytes."""
    every = bytes(range(256)).decode(encoding, errors="replace")
    if len(every) != 256 or len("ä".encode().decode(encoding, errors="replace")) != 2:
        return None
    return np.array([len(c.encode()) for c in every], dtype=np.int64)
