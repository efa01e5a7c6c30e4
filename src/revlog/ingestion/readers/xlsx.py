"""XLSX workbooks: the rows of one sheet, streamed. Native dates and numbers come as exact text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite

import numpy as np
import pyarrow as pa

from revlog.contracts.contract import Contract
from revlog.ingestion.chunk import CHUNK_ROWS, BadRow, Chunk, Source, told_apart
from revlog.ingestion.readers.encoding import refuse_other_formats
from revlog.ingestion.readers.headings import Headings
from revlog.ingestion.readers.typed import Target, bad_row, seekable, table_row_text, targets
from revlog.ingestion.readers.workbook import Cell, Merge, NumberFormat, Workbook
from revlog.values.reasons import FileRejected, Reason, Rejection

ZIP = b"PK\x03\x04"
# A double tells all whole numbers apart below this.
EXACT_WHOLE = 2**53
# A spreadsheet shows 15 digits. What lies beyond them is noise of binary fractions (0.1 + 0.2), unless
# dropping it would change the eighth decimal, the last one that a column holds.
SHOWN_DIGITS = 15
NOISE = Decimal("1e-9")
# How a cell of a truth may hold it (XML Schema, boolean).
TRUTHS = {"1": True, "true": True, "0": False, "false": False}
DAY_MILLISECONDS = 86_400_000
# Day 0, from March 1900 on; before, spreadsheets count a 29 February that never was.
EPOCH, EPOCH_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)
LAST_DAY = 2_958_466


class _Unfit(Exception):
    """A cell's value can't be told as text of its column."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read(source: Source, contract: Contract, layout_name: str) -> Iterator[Chunk]:
    """Yield the rows of the layout's sheet; raises FileRejected where the workbook can't be read."""
    refuse_other_formats(source.scan.head, allowed=ZIP)
    with seekable(source) as file:
        yield from _Sheet(Workbook(file, source.scan.size), contract, layout_name).chunks()


class _Sheet:
    """State of one pass: the header, the merged cells, and how many records came before."""

    def __init__(self, workbook: Workbook, contract: Contract, layout_name: str) -> None:
        self.workbook, self.contract = workbook, contract
        self.layout = contract.layouts[layout_name]
        self.part = workbook.sheet(self.layout.sheet)
        self.epoch = EPOCH_1904 if workbook.starts_1904 else EPOCH
        self.mark = (self.layout.control and self.layout.control.first_column) or None
        self.skipped_rows = [re.compile(p) for p in self.layout.skip]
        self.headings = Headings(self.layout)
        self.header: list[str] = []
        self.records = 0
        self.has_rows = False
        self._clear()
        if self.layout.names:
            self._name(list(self.layout.names), self.layout.header_row - 1)

    def chunks(self) -> Iterator[Chunk]:
        for number, cells in self.workbook.rows(self.part):
            text = "\t".join(c.text for c in cells)
            if number < self.layout.header_row:
                self.headings.hear(text)
                continue
            if any(pattern.search(text) for pattern in self.skipped_rows):
                self.headings.hear(text)
                self.records += bool(self.header)
                self.skipped += bool(self.header)
                continue
            if not self.header:
                self._begin(number, cells)
                yield self._chunk()  # even without rows: its columns are to be checked
                continue
            self._take(number, cells)
            self.has_rows |= bool(self.rows)
            if len(self.rows) + len(self.bad) >= CHUNK_ROWS:
                yield self._chunk()
        if not self.header:
            raise self._no_header()
        yield self._chunk()
        if self.has_rows:
            self.headings.refuse_mute()

    # -- columns

    def _begin(self, number: int, cells: list[Cell]) -> None:
        if number != self.layout.header_row and not self.skipped_rows:
            raise self._no_header()
        names = {c.column: _name(c) for c in cells}
        self._name([names.get(i, "") for i in range(max(names) + 1)], number)

    def _name(self, header: list[str], number: int) -> None:
        """Take the names of the columns, which stand in row `number`, or in the layout."""
        self.header = header
        self.named = [i for i, name in enumerate(self.header) if name]
        if not self.named:
            raise self._no_header()
        self.names = told_apart([self.header[i] for i in self.named])
        self.headings.refuse_own(self.names)
        self.targets = dict(zip(self.named, targets(self.contract, self.layout, self.names), strict=True))
        self.place = {column: at for at, column in enumerate(self.named)}
        self.merged = _merged_rows(self.workbook.merges(self.part), number, len(header) - 1)

    def _no_header(self) -> FileRejected:
        return FileRejected(
            Rejection.HEADER,
            f"row {self.layout.header_row} holds no column names; set `header_row` in the layout",
        )

    # -- rows

    def _take(self, number: int, cells: list[Cell]) -> None:
        self.records += 1
        row: list[str | None] = [None] * len(self.named)
        fault: tuple[Reason, str | None, str] | None = None
        given: set[int] = set()
        for cell in cells:
            at = self.place.get(cell.column)
            if cell.column in given:
                target = self.targets.get(cell.column)
                detail = f"the cell in column {cell.column + 1} is given twice"
                fault = fault or (Reason.REPEATED_ELEMENT, target.name if target else None, detail)
                continue
            given.add(cell.column)
            if at is None:
                detail = f"a value in column {cell.column + 1}, which has no name"
                fault = fault or (Reason.RAGGED_ROW, None, detail)
                continue
            try:
                row[at] = self._text(cell, self.targets[cell.column])
            except _Unfit as unfit:
                row[at] = cell.text
                fault = fault or (unfit.reason, self.targets[cell.column].name, unfit.detail)
        if self.mark is not None and (row[0] or "").strip() == self.mark:
            self.control.append([text or "" for text in row])
            return
        if (merge := self._merge_at(number)) is not None:
            fault = fault or merge
        if fault is None:
            self.rows.append([*row, *self.headings.said.values()])
            self.lines.append(number)
            self.numbers.append(self.records)
        else:
            values = dict(zip(self.names, row, strict=True))
            self.bad.append(bad_row(self.contract, (number, self.records), *fault, values))

    def _merge_at(self, number: int) -> tuple[Reason, str | None, str] | None:
        """A merged cell gives its value to its first row and column; which others it meant is not said."""
        while self.merged and self.merged[0].last_row < number:
            self.merged.pop(0)
        if not self.merged or self.merged[0].first_row > number:
            return None
        merge = self.merged[0]
        target = self.targets.get(merge.first_column)
        name = target.name if target else None
        return Reason.MERGED_CELL, name, f"cells are merged in rows {merge.first_row} to {merge.last_row}"

    def _clear(self) -> None:
        self.rows: list[list[str | None]] = []
        self.lines: list[int] = []
        self.numbers: list[int] = []
        self.bad: list[BadRow] = []
        self.control: list[list[str]] = []
        self.skipped = 0

    def _chunk(self) -> Chunk:
        names = [*self.names, *self.headings.said]
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(names)
        table = pa.Table.from_arrays([pa.array(list(c), pa.string()) for c in columns], names=names)
        chunk = Chunk(
            table, np.array(self.lines, dtype=np.int64), np.array(self.numbers, dtype=np.int64),
            lambda row: table_row_text(table, row), self.bad, self.control, skipped=self.skipped,
        )  # fmt: skip
        self._clear()
        return chunk

    # -- one cell

    def _text(self, cell: Cell, target: Target) -> str:
        """The value as the layout writes it; raises _Unfit where it can't be told."""
        if cell.kind == "t":
            if "\0" in cell.text:
                raise _Unfit(Reason.NUL_BYTE, "a NUL byte in the row")
            return cell.text
        if target.kind is None and cell.kind in ("e", "f"):
            return cell.text
        if cell.kind == "n":
            return self._number(cell, target)
        if cell.kind == "d":
            return self._dated(cell.text, target)
        if cell.kind == "b":
            return self._truth(cell.text, target)
        if cell.kind == "e":
            raise _Unfit(Reason.ERROR_CELL, f"the cell shows {cell.text}")
        if cell.kind == "f":
            raise _Unfit(Reason.ERROR_CELL, "a formula without a value: open the workbook and save it again")
        raise FileRejected(
            Rejection.MALFORMED, "a cell of type {}; ask for the workbook again", repr(cell.kind)
        )

    def _truth(self, text: str, target: Target) -> str:
        """A truth, as XML spells it; where an id belongs a spreadsheet has made it of a word."""
        if text not in TRUTHS:
            raise _Unfit(Reason.BAD_BOOLEAN, f"{text} as true or false")
        if target.is_id:
            raise _Unfit(Reason.BAD_BOOLEAN, f"{target.words[TRUTHS[text]]} instead of an id")
        return target.words[TRUTHS[text]]

    def _dated(self, text: str, target: Target) -> str:
        """A date or time in ISO text; an instant is told in UTC, or refused where local times are."""
        try:
            found = dt.datetime.fromisoformat(text)
            instant = None if found.tzinfo is None else found.astimezone(dt.UTC).replace(tzinfo=None)
        except (ValueError, OverflowError) as error:
            raise _Unfit(Reason.BAD_DATE, f"{text} as a date") from error
        if instant is None:
            return self._moment(found, "T" in text, target)
        if target.is_id or target.is_utc:
            return self._moment(instant, True, target)
        return f"{instant.isoformat()}Z"

    def _number(self, cell: Cell, target: Target) -> str:
        form = cell.format
        if form.has_date or form.has_time:
            return self._serial(cell.text, form, target)
        text = plain_number(cell.text)
        if target.is_id:
            if form.is_scientific or not text.lstrip("-").isdigit():
                raise _Unfit(Reason.SCIENTIFIC_ID, f"the number {cell.text} instead of text")
            return text.zfill(form.zeros)
        if form.is_percent:
            return target.number(plain_number(str(Decimal(text) * 100))) + "%"
        return target.number(text)

    def _serial(self, text: str, form: NumberFormat, target: Target) -> str:
        """The date, time or both that a number of days stands for."""
        try:
            days = float(text)
        except ValueError:
            days = -1
        if not 0 <= days < LAST_DAY:
            raise _Unfit(Reason.BAD_DATE, f"{text} as a date")
        # Spreadsheets count in milliseconds; finer digits are noise.
        since = dt.timedelta(milliseconds=round(days * DAY_MILLISECONDS))
        if since > dt.datetime.max - self.epoch:
            raise _Unfit(Reason.BAD_DATE, f"{text} as a date")
        when = self.epoch + since
        if form.has_date or target.format or target.is_id:
            return self._moment(when, form.has_time, target)
        hours, rest = divmod(round(days * DAY_MILLISECONDS), 3_600_000)
        return f"{hours:02}" + (dt.datetime.min + dt.timedelta(milliseconds=rest)).strftime(":%M:%S")

    def _moment(self, when: dt.datetime, has_time: bool, target: Target) -> str:
        if target.is_id:
            raise _Unfit(Reason.DATE_AS_ID, f"the date {when.isoformat()} instead of an id")
        since_midnight = when - dt.datetime.combine(when, dt.time())
        if target.is_whole(since_midnight // dt.timedelta(microseconds=1) * 1000):
            return when.strftime(target.format)
        return when.isoformat() if has_time or since_midnight else when.date().isoformat()


def _name(cell: Cell) -> str:
    if cell.kind in ("e", "f"):
        raise FileRejected(Rejection.HEADER, f"the name of column {cell.column + 1} is an error; correct it")
    return cell.text.strip()


def _merged_rows(merges: list[Merge], header_row: int, last_column: int) -> list[Merge]:
    """Stretches of data rows that some merged cell touches, in order and apart from each other."""
    found: list[Merge] = []
    for merge in sorted(merges, key=lambda m: m.first_row):
        if merge.last_row <= header_row or merge.first_column > last_column:
            continue
        if found and merge.first_row <= found[-1].last_row:
            found[-1] = replace(found[-1], last_row=max(merge.last_row, found[-1].last_row))
        else:
            found.append(merge)
    return found


@lru_cache(maxsize=4096)
def plain_number(text: str) -> str:
    """A number's digits as a spreadsheet would show them all, with a point and without an exponent.

    Whole numbers that a double can't tell from their neighbours keep an exponent: it marks them as
    inexact, so that neither an id nor an amount is made of them. Raises _Unfit for what is no number.
    """
    if len(text) <= SHOWN_DIGITS and text.isdigit() and text.isascii():
        return str(int(text))
    try:
        value = float(text)
        exact = Decimal(text) if re.fullmatch(r"-?\d+", text) else Decimal(repr(value))
    except (ValueError, InvalidOperation) as error:
        raise _Unfit(Reason.NOT_A_NUMBER, f"{text} is no number") from error
    if not isfinite(value):
        raise _Unfit(Reason.NOT_A_NUMBER, f"{text} is no number")
    if not value:
        return "0"
    if abs(value) >= EXACT_WHOLE:
        return f"{exact:.17E}"
    shown = Decimal(f"{value:.{SHOWN_DIGITS}g}")
    if 0 < abs(shown - exact) < NOISE:
        exact = shown
    digits = f"{exact:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
