"""Sheets of a workbook: tables whose amounts have the decimals of their currency, whose dates are dates and
whose texts stay texts.

A text from a feed is only ever written as a string, with Excel's own mark for it (quotePrefix), so that
nothing a customer or a processor sends is evaluated, `=HYPERLINK(…)` and `+1` included. Formulas carry
their values, for readers that don't calculate. Rows go to disk as they come: memory does not grow with them.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name, xl_range_abs

from revlog.outputs.escaping import sheet_text
from revlog.values.currencies import WITHOUT_DECIMALS

# Of Excel: rows of a sheet, and links within it (65,530).
ROWS_MOST = 1_048_576
LINKS_MOST = 60_000
# Two lines of a head.
HEAD_POINTS = 28
# A row is at most 409 points high.
LINE_POINTS, LINES_MOST = 15, 27
HEAD_STYLE: dict[str, Any] = {"bold": True, "bottom": 1, "bg_color": "#e8eef4", "text_wrap": True}
Kind = Literal["text", "amount", "count", "date", "rate"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table: the field of a row that it shows, and how."""

    field: str
    title: str
    width: float
    kind: Kind = "text"
    currency: str = "currency"
    wraps: bool = False

    @property
    def is_number(self) -> bool:
        """Whether its cells stand to the right."""
        return self.kind in ("amount", "count", "rate")


@dataclass(frozen=True)
class Formula:
    """A formula with the value that it has: readers that don't calculate show that."""

    text: str
    value: Decimal | int


@dataclass(frozen=True)
class Link:
    """A cell that leads to a row of another sheet of this book; rows are counted from 0."""

    sheet: str
    row: int
    text: str


@dataclass(frozen=True)
class Area:
    """Where a table's rows stand; ranges of its columns for formulas."""

    sheet: str
    columns: tuple[Column, ...]
    first: int
    last: int

    def range(self, field: str) -> str:
        """Absolute range of a column, with the name of its sheet."""
        place = [column.field for column in self.columns].index(field)
        return f"'{self.sheet}'!{xl_range_abs(self.first, place, max(self.first, self.last), place)}"


class Book:
    """An XLSX file in the making; `scratch` holds the rows until it is closed."""

    def __init__(self, file: IO[bytes], scratch: Path, title: str, created: dt.datetime) -> None:
        options = {"constant_memory": True, "tmpdir": str(scratch), "default_date_format": "yyyy-mm-dd"}
        self._book = xlsxwriter.Workbook(file, options)
        self._book.set_properties({"title": title, "created": created.astimezone(dt.UTC)})
        self._formats: dict[tuple[Any, ...], Format] = {}
        self.footer = title

    def sheet(self, name: str) -> Sheet:
        """Add a sheet; `name` is one of ours, up to 31 characters."""
        return Sheet(self, self._book.add_worksheet(name), name)

    def close(self) -> None:
        """Write the file; raises OSError or FileCreateError where the disk is full."""
        self._book.close()

    def format(self, **wanted: Any) -> Format:
        """A format, made once."""
        key = tuple(wanted.items())
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"valign": "top", **wanted})
        return self._formats[key]

    def of(self, kind: Kind, currency: str, style: Row) -> Format:
        """The format of a kind of value, amounts by their currency; `style` adds to it."""
        key = kind, currency if kind == "amount" else "", *style.items()
        if key not in self._formats:
            self._formats[key] = self.format(**(_shape(kind, currency) | style))
        return self._formats[key]


class Sheet:
    """One sheet, written from top to bottom."""

    def __init__(self, book: Book, sheet: Any, name: str) -> None:
        self.book, self.name, self.row, self._links = book, name, 0, 0
        self._sheet = sheet
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer(f"&L{book.footer}&C&A&RPage &P of &N")
        sheet.hide_gridlines(2)

    def prints(self, columns: int, rows: int | None = None) -> None:
        """Print only the first columns, of the first rows or of all that are written."""
        self._sheet.print_area(0, 0, (rows or self.row) - 1, columns - 1)

    def widths(self, widths: Sequence[float]) -> None:
        """Set the widths of the columns, in characters."""
        for place, width in enumerate(widths):
            self._sheet.set_column(place, place, width)

    def title(self, text: str, *notes: str) -> None:
        """A heading with what to know of the sheet below it, and an empty row."""
        self._sheet.write_string(self.row, 0, text, self.book.format(bold=True, font_size=14))
        for note in notes:
            self.row += 1
            self._sheet.write_string(self.row, 0, note, self.book.format(font_color="#444444"))
        self.row += 2

    def heading(self, text: str) -> None:
        """A heading within the sheet."""
        self._sheet.write_string(self.row, 0, text, self.book.format(bold=True, font_size=11))
        self.row += 1

    def line(self, *cells: Any, height: float | None = None, **style: Any) -> None:
        """A row outside of any table, of some points; texts are strings, whatever they look like."""
        if height is not None:
            self._sheet.set_row(self.row, height)
        for place, value in enumerate(cells):
            self._put(place, value, "count" if isinstance(value, int) else "text", "", style)
        self.row += 1

    def line_of(self, columns: Sequence[Column], row: Row, **style: Any) -> None:
        """A row outside of any table that stands below its columns: a total."""
        self._cells(columns, row, style)

    def link(self, sheet: str, text: str) -> None:
        """A row that leads to another sheet of this book."""
        self._sheet.write_url(
            self.row, 0, f"internal:'{sheet}'!A1", self.book.format(font_color="#0b5394", underline=1), sheet
        )
        self._sheet.write_string(self.row, 1, text, self.book.of("text", "", {}))
        self.row += 1

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Row],
        *,
        is_main: bool = False,
        empty: str = "Nothing in this period.",
        frozen: int = 0,
    ) -> Area:
        """A head and its rows. `is_main`: it stays in view, repeats in print, and filters.

        A value may be a Formula. A row may have a format's properties in `_style`.
        """
        head = self.row
        self._head(columns)
        for row in rows:
            style = row.get("_style", {})
            self._cells(columns, row, style)
        area = Area(self.name, tuple(columns), head + 1, self.row - 1)
        if is_main:
            self._sheet.freeze_panes(head + 1, frozen)
            self._sheet.repeat_rows(head)
            self._sheet.autofilter(head, 0, max(head, self.row - 1), len(columns) - 1)
        if self.row == head + 1:
            self._sheet.write_string(self.row, 0, empty, self.book.format(italic=True))
            self.row += 1
        return area

    def flag(self, area: Area, field: str) -> None:
        """Colour the column's cells: green where they are 0, red where they are not."""
        place = [column.field for column in area.columns].index(field)
        rows = (area.first, place, max(area.first, area.last), place)
        for criteria, ground, ink in (("==", "#d9ead3", "#274e13"), ("!=", "#f4cccc", "#990000")):
            colours = self.book.format(bg_color=ground, font_color=ink)
            name = f"{xl_col_to_name(place)}{area.first + 1}"
            condition = f'=AND({name}<>"",{name}{"=0" if criteria == "==" else "<>0"})'
            self._sheet.conditional_format(
                *rows, {"type": "formula", "criteria": condition, "format": colours}
            )

    def _head(self, columns: Sequence[Column]) -> None:
        self._sheet.set_row(self.row, HEAD_POINTS)
        for place, column in enumerate(columns):
            align = {"align": "right" if column.is_number else "left"} | _indent(columns, place)
            style = self.book.format(**HEAD_STYLE, **align)
            self._sheet.write_string(self.row, place, column.title, style)
        self.row += 1

    def _cells(self, columns: Sequence[Column], row: Row, style: Row) -> None:
        # Not every program makes room by itself for a text that breaks.
        if (lines := max((_lines(column, row) for column in columns if column.wraps), default=1)) > 1:
            self._sheet.set_row(self.row, LINE_POINTS * lines)
        for place, column in enumerate(columns):
            value = row.get(column.field)
            shape = style | _indent(columns, place) | ({"text_wrap": True} if column.wraps else {})
            self._put(place, value, column.kind, row.get(column.currency), shape)
        self.row += 1

    def _put(self, place: int, value: Any, kind: Kind, currency: str | None, style: Row) -> None:
        if value is None:
            return
        if isinstance(value, Link):
            self._link(place, value)
        elif isinstance(value, Formula):
            shape = self.book.of(kind, currency or "", style)
            self._sheet.write_formula(self.row, place, value.text, shape, float(value.value))
        elif isinstance(value, dt.date):
            self._sheet.write_datetime(self.row, place, value, self.book.of("date", "", style))
        elif kind == "rate" or (kind != "text" and isinstance(value, (Decimal, int)) and is_exact(value)):
            self._sheet.write_number(self.row, place, value, self.book.of(kind, currency or "", style))
        else:
            self._sheet.write_string(self.row, place, sheet_text(value), self.book.of("text", "", style))

    def _link(self, place: int, link: Link) -> None:
        """As many as a sheet holds; the others are words."""
        self._links += 1
        if self._links > LINKS_MOST:
            self._sheet.write_string(self.row, place, link.text, self.book.of("text", "", {}))
            return
        look = self.book.format(font_color="#0b5394", underline=1)
        self._sheet.write_url(self.row, place, f"internal:'{link.sheet}'!A{link.row + 1}", look, link.text)


def _lines(column: Column, row: Row) -> int:
    """Lines into which a text of the column breaks, at most what a row holds."""
    text, width = str(row.get(column.field) or ""), int(column.width)
    return 1 if len(text) <= width else min(len(textwrap.wrap(text, width)), LINES_MOST)


def _shape(kind: Kind, currency: str) -> Row:
    if kind == "amount":
        return {"num_format": amount_format(currency)}
    if kind == "count":
        return {"num_format": "#,##0"}
    if kind == "rate":
        return {"num_format": "0.0000"}
    if kind == "date":
        return {"num_format": "yyyy-mm-dd", "align": "left"}
    # Excel's own mark of a text that is none of its formulas
    return {"quote_prefix": True}


def _indent(columns: Sequence[Column], place: int) -> Row:
    """Some air where a text follows a number."""
    follows = place and columns[place - 1].is_number and not columns[place].is_number
    return {"indent": 1, "align": "left"} if follows else {}


def amount_format(currency: str) -> str:
    """Number format of an amount: as many decimals as the currency has, negative ones in red."""
    number = "#,##0" if currency in WITHOUT_DECIMALS else "#,##0.00"
    return f"{number};[Red]-{number};{number}"


def is_exact(value: Decimal | int) -> bool:
    """Whether a cell can hold the number: Excel keeps 15 digits, the cents of more would be invented."""
    exact = Decimal(value)
    return abs(exact) < 10**12 or len(exact.normalize().as_tuple().digits) <= 15
