"""CSV in any declared dialect, streamed by blocks of whole records."""

from __future__ import annotations

import csv as standard
import io
import re
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.ingestion.chunk import BadRow, Chunk, Source, told_apart
from revlog.ingestion.readers.encoding import Decoder, opened, refuse_other_formats
from revlog.ingestion.readers.headings import Headings
from revlog.ingestion.readers.records import MAX_RECORD_BYTES, Block, Offsets, Splitter
from revlog.values.reasons import FileRejected, Reason, Rejection
from revlog.values.text import shown

MAX_NAME = 500
BLANK_LINE = re.compile(rb"(?:\A|(?<=\n))\r?(?:\n|\Z)")
# Of the module csv; a record is bounded by its block.
standard.field_size_limit(1 << 24)
# Large enough for vectorised work, small enough for bounded memory.
BLOCK_BYTES = 4 << 20


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the rows of a CSV file; raises FileRejected where it is not one, whole and readable."""
    refuse_other_formats(source.scan.head)
    layout = contract.layouts[layout_name]
    with opened(source, layout.encoding) as file:
        yield from _CsvFile(file, layout).chunks()


class _CsvFile:
    """State of one pass: the header, and how many records came before."""

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self.file = file
        self.layout = layout
        self.decoder = Decoder(layout.encoding)
        self.header = told_apart(list(layout.names))
        self.header_record = b""
        self.records = 0
        self.control_start = self._control_pattern()
        self.skipped_lines = [re.compile(p.encode(), re.MULTILINE) for p in layout.skip]
        self.headings = Headings(layout)
        self.has_rows = False

    def chunks(self) -> Iterator[Chunk]:
        is_begun = False
        for block in self._blocks():
            if not self.header and len(block):
                block = self._begun(block)
            if self.header and (len(block) or not is_begun):
                is_begun = True
                yield self._chunk(block)  # even without rows: its columns are to be checked
        self.decoder.finish()
        if not self.header:
            raise FileRejected(Rejection.EMPTY_FILE, "there is no header; ask for the file again")
        if self.has_rows:
            self.headings.refuse_mute()

    def _blocks(self) -> Iterator[Block]:
        splitter = Splitter(self.layout)
        titles = [self.file.readline(MAX_RECORD_BYTES) for _ in range(self.layout.header_row - 1)]
        # A small first block, so that the database has something to do while the next is read.
        rest = self.file.read(BLOCK_BYTES // 8)
        rest = rest if titles else self.decoder.start(rest)
        for title in titles:
            self.headings.hear(self.decoder.utf8(title).decode(errors="replace"))
        is_old_mac = b"\r" in rest and b"\n" not in rest
        line = 1 + len(titles)
        while rest:
            more = self.file.read(BLOCK_BYTES)
            if is_old_mac:
                rest, more = rest.replace(b"\r", b"\n"), more.replace(b"\r", b"\n")
            used, block = splitter.split(rest, line, at_end=not more)
            line += block.newlines
            yield block.decoded(self.decoder)
            rest = rest[used:] + more

    def _begun(self, block: Block) -> Block:
        """Take the header from the first record that is not left out; returns what follows it."""
        apart = self._skipped_rows(block)
        first = next((i for i in range(len(block)) if i not in apart), None)
        for i in range(len(block) if first is None else first):
            self.headings.hear(block.text(i))
        if first is None:
            return block.from_record(len(block))
        if block.faults.get(first):
            raise FileRejected(Rejection.HEADER, f"the header has {block.faults[first][1]}")
        self.header_record = block.bytes_of(first).rstrip(b"\r\n")
        names = [shown(name) for name in self._fields(block.text(first))]
        long = next((i for i, name in enumerate(names, start=1) if len(name) > MAX_NAME), None)
        if long is not None:
            raise FileRejected(
                Rejection.HEADER,
                f"the name of column {long} has {len(names[long - 1]):,} characters; ask for the file again",
            )
        if len(names) == 1:
            self._refuse_other_delimiters(names[0])
        self.header = told_apart(names)
        self.headings.refuse_own(self.header)
        return block.from_record(first + 1)

    def _refuse_other_delimiters(self, header: str) -> None:
        for other in ",;\t|":
            if other in header:
                raise FileRejected(
                    Rejection.HEADER,
                    f"the header is split by {other!r}, declared is {self.layout.delimiter!r}; "
                    "declare the delimiter or export anew",
                )

    def _fields(self, record: str) -> list[str]:
        lines = io.StringIO(record, newline="")
        if not self.layout.quote:
            return record.split(self.layout.delimiter)
        return next(standard.reader(lines, delimiter=self.layout.delimiter, quotechar=self.layout.quote), [])

    # -- one block

    def _chunk(self, block: Block) -> Chunk:
        numbers = self.records + 1 + np.arange(len(block), dtype=np.int64)
        self.records += len(block)
        control = self._control_rows(block)
        skipped = self._skipped_rows(block) - set(control)
        apart = {*control, *skipped}
        kept = _without(np.arange(len(block)), {*block.faults, *apart})
        faults = {i: f for i, f in block.faults.items() if i not in apart}
        table, ragged = self._parse(block, kept)
        faults |= ragged
        kept = _without(kept, set(ragged))
        self.has_rows |= len(kept) > 0
        for name, values in self.headings.heard(sorted(skipped), kept, block.text).items():
            table = table.append_column(name, pa.array(values, pa.string()))
        bad = [
            BadRow(int(block.lines[i]), int(numbers[i]), reason, None, block.text(i), detail)
            for i, (reason, detail) in sorted(faults.items())
        ]
        return Chunk(
            table, block.lines[kept], numbers[kept], lambda row: block.text(int(kept[row])),
            bad, [self._fields(block.text(i)) for i in control], skipped=len(skipped),
        )  # fmt: skip

    def _control_pattern(self) -> re.Pattern[bytes] | None:
        mark = self.layout.control.first_column if self.layout.control else None
        if mark is None:
            return None
        quote, delimiter = (re.escape(x.encode()) for x in (self.layout.quote, self.layout.delimiter))
        word = b"(?:" + quote + b")?" + re.escape(mark.encode()) + b"(?:" + quote + b")?"
        return re.compile(rb"^ *" + word + rb" *(?:" + delimiter + rb"|\r?$)", re.MULTILINE)

    def _control_rows(self, block: Block) -> list[int]:
        """Index of the records that state totals."""
        if self.control_start is None:
            return []
        found = [m.start() for m in self.control_start.finditer(block.data)]
        index = {int(start): i for i, start in enumerate(block.starts)} if found else {}
        return [index[start] for start in found if start in index]

    def _skipped_rows(self, block: Block) -> set[int]:
        """Index of the records that the layout leaves out, and of those that repeat the header."""
        found = [m.start() for pattern in self.skipped_lines for m in pattern.finditer(block.data)]
        found = [at for at in found if not BLANK_LINE.match(block.data, at)]  # it is no record
        if self.header_record and self.header_record in block.data:
            again = re.finditer(rb"^" + re.escape(self.header_record) + rb"\r?$", block.data, re.MULTILINE)
            found += [m.start() for m in again]
        if not found:
            return set()
        rows = np.searchsorted(block.starts, found, side="right") - 1
        return {int(i) for i in rows if i >= 0}  # what lies before the block's first record is not in it

    def _parse(self, block: Block, kept: Offsets) -> tuple[pa.Table, dict[int, tuple[Reason, str]]]:
        """Parse the `kept` records; returns their table, and the ragged ones by index."""
        # Column names may repeat or be odd: Arrow gets numbers, the contract's check the names.
        names = [str(i) for i in range(len(self.header))]
        ragged: dict[int, tuple[Reason, str]] = {}
        if not len(kept):
            return _renamed(pa.table({n: pa.array([], pa.string()) for n in names}), self.header), {}
        if len(names) == 1 or not self.layout.quote:
            return self._parse_plainly(block, kept)

        def set_apart(row: arrow.InvalidRow) -> str:
            detail = f"{row.actual_columns} fields instead of {row.expected_columns}"
            ragged[int(kept[row.number - 1])] = (Reason.RAGGED_ROW, detail)
            return "skip"

        data = _joined(block, kept)
        try:
            table = arrow.read_csv(
                pa.BufferReader(data),
                read_options=arrow.ReadOptions(
                    column_names=names,
                    use_threads=False,  # only then are rejected rows numbered
                    block_size=len(data) + 1,
                ),
                parse_options=arrow.ParseOptions(
                    delimiter=self.layout.delimiter,
                    quote_char=self.layout.quote,
                    newlines_in_values=block.has_inner_newlines,
                    invalid_row_handler=set_apart,
                ),
                convert_options=_as_text(names),
            )
        except pa.ArrowInvalid as error:  # its words show the row
            raise _not_apart(block) from error
        self._refuse_cut_row(block, ragged)
        if table.num_rows + len(ragged) != len(kept):
            raise _not_apart(block)
        return _renamed(table.combine_chunks(), self.header), ragged

    def _refuse_cut_row(self, block: Block, ragged: dict[int, tuple[Reason, str]]) -> None:
        """A last row that has neither all its fields nor its line end was cut off."""
        last = len(block) - 1
        if last in ragged and not block.data.endswith(b"\n"):
            fields = len(self._fields(block.text(last)))
            if fields < len(self.header):
                raise FileRejected(
                    Rejection.TRUNCATED,
                    f"line {block.lines[last]} breaks off after {fields} of {len(self.header)} "
                    "fields; ask for the file again",
                )

    def _parse_plainly(self, block: Block, kept: Offsets) -> tuple[pa.Table, dict[int, tuple[Reason, str]]]:
        """The same without Arrow, for one column or no quotes."""
        width, rows = len(self.header), []
        ragged: dict[int, tuple[Reason, str]] = {}
        for i in kept.tolist():
            values = self._fields(block.text(i))
            if len(values) == width:
                rows.append([v or None for v in values])
            else:
                detail = f"{len(values)} fields instead of {width}"
                ragged[i] = (Reason.RAGGED_ROW, detail)
        columns = list(zip(*rows, strict=True)) or [()] * width
        arrays = [pa.array(list(column), pa.string()) for column in columns]
        return pa.Table.from_arrays(arrays, names=self.header), ragged


def _not_apart(block: Block) -> FileRejected:
    return FileRejected(Rejection.MALFORMED, f"records after line {block.lines[0]} can't be told apart")


def _as_text(names: list[str]) -> arrow.ConvertOptions:
    return arrow.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        check_utf8=False,  # the decoder has
    )


def _without(records: Offsets, apart: set[int]) -> Offsets:
    return np.setdiff1d(records, np.array(sorted(apart), dtype=np.int64)) if apart else records


def _joined(block: Block, kept: Offsets) -> Any:
    """Bytes of the `kept` records; a view where nothing is left out."""
    if len(kept) == len(block):
        start = 0 if block.known_starts is None else int(block.known_starts[0])
        return memoryview(block.data)[start:]
    pieces = (block.bytes_of(i) for i in kept.tolist())
    return b"".join(p if p.endswith(b"\n") else p + b"\n" for p in pieces)


def _renamed(table: pa.Table, header: list[str]) -> pa.Table:
    return table.rename_columns(header)
