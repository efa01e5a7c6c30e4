"""CSV in any declared dialect, streamed by blocks.

Arrow's parser splits rows; it is strict about column counts and tells the rows it can't split.
"""

from __future__ import annotations

import csv as standard
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow

from ingestion.contract import Contract, Layout
from ingestion.readers.chunk import BadRow, Chunk, Source
from ingestion.reasons import FileRejected, Reason, Rejection

BLOCK_BYTES = 8 << 20


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the rows of a CSV file; raises FileRejected where it is not one, whole and readable."""
    layout = contract.layouts[layout_name]
    _refuse_other_formats(source)
    header = _header(source, layout)
    if source.scan.quotes % 2:
        _refuse_unclosed_quote(source, layout)
    yield from _Blocks(source, layout, header).chunks()


def _refuse_other_formats(source: Source) -> None:
    start = source.scan.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if not start:
        raise FileRejected(Rejection.EMPTY_FILE, "the file has no content; ask for it again")
    if start.startswith(
        (b"<!doctype", b"<html", b"<?xml", b"{", b"pk\x03\x04", b"\x1f\x8b", b"par1")
    ):
        raise FileRejected(
            Rejection.NOT_THIS_FORMAT,
            f"expected CSV, the file begins with {start[:20]!r}; ask for the export again",
        )


def _codec(layout: Layout) -> str:
    return "utf-8-sig" if layout.encoding.replace("_", "-") == "utf-8" else layout.encoding


def _header(source: Source, layout: Layout) -> list[str]:
    text = source.scan.head.decode(_codec(layout), errors="replace").lstrip("\ufeff")
    line = io.StringIO(text, newline=None)
    names = next(standard.reader(line, delimiter=layout.delimiter), [])
    return [name.strip() for name in names]


def _refuse_unclosed_quote(source: Source, layout: Layout) -> None:
    """An odd number of quotes may be an inch mark or a quote that never closes; only one is fatal."""
    with source.open() as file:
        text = io.TextIOWrapper(file, encoding=layout.encoding, errors="replace", newline="")
        rows = standard.reader(text, delimiter=layout.delimiter, strict=False)
        last, width = [], None
        try:
            for last in rows:
                width = width or len(last)
        except standard.Error as error:
            raise FileRejected(Rejection.TRUNCATED, f"{error}, line {rows.line_num}") from error
    if width and last and len(last) != width and any("\n" in v or "\r" in v for v in last):
        raise FileRejected(
            Rejection.TRUNCATED, "a quote opens and never closes; ask for the file again"
        )
    if last and any("\n" in v for v in last[-1:]) and not source.scan.tail.rstrip().endswith(b'"'):
        raise FileRejected(
            Rejection.TRUNCATED, "a quote opens and never closes; ask for the file again"
        )


class _Blocks:
    """State of one pass: which record comes next, and how many lines earlier values spanned."""

    def __init__(self, source: Source, layout: Layout, header: list[str]) -> None:
        self.source = source
        self.layout = layout
        self.header = header
        self.control_mark = layout.control.first_column if layout.control else None
        self.skipped: list[tuple[int, int, str]] = []
        self.next_record = 1
        self.extra_lines = 0

    def chunks(self) -> Iterator[Chunk]:
        names = [f"{n}" for n in self.header]
        options = arrow.ConvertOptions(
            column_types={f"c{i}": pa.string() for i in range(len(names))},
            strings_can_be_null=False,
            check_utf8=True,
        )
        try:
            with self.source.open() as file:
                stream = arrow.open_csv(
                    file,
                    read_options=arrow.ReadOptions(
                        column_names=[f"c{i}" for i in range(len(names))],
                        skip_rows=1,
                        block_size=BLOCK_BYTES,
                        use_threads=False,  # only then are rejected rows numbered
                        encoding=self.layout.encoding.replace("utf-8-sig", "utf-8"),
                    ),
                    parse_options=arrow.ParseOptions(
                        delimiter=self.layout.delimiter,
                        newlines_in_values=self.source.scan.quotes > 0,
                        ignore_empty_lines=True,
                        invalid_row_handler=self._set_apart,
                    ),
                    convert_options=options,
                )
                for batch in stream:
                    yield self._chunk(pa.Table.from_batches([batch]).rename_columns(names))
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error) or "no data" in str(error).lower():
                yield self._chunk(pa.table({n: pa.array([], pa.string()) for n in names}))
                return
            raise self._rejection(error) from error
        except UnicodeError as error:
            raise FileRejected(
                Rejection.ENCODING, f"not {self.layout.encoding}: {error}"
            ) from error
        if self.skipped:
            yield self._chunk(pa.table({n: pa.array([], pa.string()) for n in names}))

    def _set_apart(self, row: arrow.InvalidRow) -> str:
        self.skipped.append((row.number or 0, row.actual_columns, row.text))
        return "skip"

    def _rejection(self, error: pa.ArrowInvalid) -> FileRejected:
        text = str(error)
        if "UTF8" in text or "utf-8" in text.lower():
            return FileRejected(Rejection.ENCODING, f"not {self.layout.encoding}: {text[:200]}")
        return FileRejected(Rejection.MALFORMED, text[:300])

    def _chunk(self, table: pa.Table) -> Chunk:
        rows = table.num_rows
        bad, control = self._skipped_before(rows)
        taken = {b.record_no for b in bad} | {-c for c, _ in control}
        record_no = self._record_numbers(rows, taken)
        line_no = record_no + 1 + self._lines_before(table)
        chunk = Chunk(table, line_no, record_no, bad, [values for _, values in control])
        return self._lift_control_rows(chunk)

    def _record_numbers(self, rows: int, taken: set[int]) -> np.ndarray:
        """Numbers of the good rows: consecutive, but for those that were set apart."""
        if not taken:
            numbers = np.arange(self.next_record, self.next_record + rows, dtype=np.int64)
            self.next_record += rows
            return numbers
        span = np.arange(self.next_record, self.next_record + rows + len(taken), dtype=np.int64)
        numbers = span[~np.isin(span, list(taken))][:rows]
        self.next_record = int(max([*numbers[-1:], *taken, self.next_record - 1])) + 1
        return numbers

    def _skipped_before(self, rows: int) -> tuple[list[BadRow], list[tuple[int, list[str]]]]:
        bad: list[BadRow] = []
        control: list[tuple[int, list[str]]] = []
        for number, columns, text in self.skipped:
            record = (number - 1) if number else self.next_record + rows
            values = next(standard.reader([text], delimiter=self.layout.delimiter), [])
            if self.control_mark and values and values[0].strip() == self.control_mark:
                control.append((-record, values))
            else:
                bad.append(
                    BadRow(
                        record + 1 + self.extra_lines, record, Reason.RAGGED_ROW, None, text,
                        f"{columns} columns instead of {len(self.header)}",
                    )
                )  # fmt: skip
        self.skipped = []
        return bad, control

    def _lines_before(self, table: pa.Table) -> np.ndarray:
        """Line breaks inside earlier values, per row: where they are, a record is not a line."""
        if not self.source.scan.quotes:
            return np.zeros(table.num_rows, dtype=np.int64)
        breaks = np.zeros(table.num_rows, dtype=np.int64)
        for column in table.columns:
            breaks += pc.count_substring(column, "\n").to_numpy()
        before = self.extra_lines + np.concatenate(([0], np.cumsum(breaks)))
        self.extra_lines = int(before[-1])
        return before[:-1]

    def _lift_control_rows(self, chunk: Chunk) -> Chunk:
        if not self.control_mark or not chunk.table.num_rows:
            return chunk
        marks = pc.equal(pc.utf8_trim_whitespace(chunk.table.column(0)), self.control_mark)
        found = marks.to_numpy(zero_copy_only=False).astype(bool)
        if not found.any():
            return chunk
        rows = chunk.table.filter(marks).to_pylist()
        chunk.control += [[str(v) for v in row.values()] for row in rows]
        keep = ~found
        return Chunk(
            chunk.table.filter(pa.array(keep)), chunk.line_no[keep], chunk.record_no[keep],
            chunk.bad, chunk.control,
        )  # fmt: skip
