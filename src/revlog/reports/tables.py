"""Tables of rows on a page: the reader sorts and filters them, and takes them away as CSV."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from revlog.reports.snapshots import Row
from revlog.reports.units import counted

Kind = Literal["text", "long", "short", "code", "number", "amount", "share", "chance", "day", "seconds"]
NUMBERS: tuple[Kind, ...] = ("number", "amount", "share", "chance", "seconds")
# More would make the page slow to open; where the rest is, the table says.
ROWS_MOST = 1_000


@dataclass(frozen=True)
class Column:
    """A column: its key in the rows, its heading with the unit, how it is written, whether phones show it.

    `long` text has room for a sentence, `short` text stays on one line.
    """

    key: str
    title: str
    kind: Kind = "text"
    only_wide: bool = False

    @property
    def is_number(self) -> bool:
        """True where it stands to the right and is sorted by its value."""
        return self.kind in NUMBERS

    def value(self, row: Row) -> str:
        """What the CSV holds, and what the column is sorted by."""
        found = row[self.key]
        return "" if found is None else str(found)

    def text(self, row: Row) -> str:
        """What the reader sees."""
        found = row[self.key]
        if found is None:
            return "–" if self.is_number or self.kind == "day" else ""
        return _written(found, self.kind)


def _written(value: Any, kind: Kind) -> str:
    if kind in ("text", "long", "short", "code", "day"):
        return str(value)
    number = Decimal(str(value))
    if kind == "share":
        return f"{number:.1%}"
    if kind == "chance":
        return "below 0.0001" if number < Decimal("0.0001") else f"{number:.4f}"
    if kind == "seconds":
        return f"{number:,.1f}"
    return f"{number:,.2f}" if kind == "amount" else counted(number)


@dataclass(frozen=True)
class Table:
    """Rows under a name, also the CSV's; `total` is how many there are, `query` where all of them are."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: list[Row]
    total: int
    query: str = ""
    shown: int = 10

    @property
    def left_out(self) -> int:
        """How many rows are not on the page."""
        return self.total - len(self.rows)


def table(
    name: str, title: str, columns: Sequence[Column], rows: list[Row], query: str = "", shown: int = 10
) -> Table:
    """A table of the first rows, as many as a page may hold."""
    return Table(name, title, columns, rows[:ROWS_MOST], len(rows), query, shown)


def days_between(earlier: dt.date | None, later: dt.date | None) -> int | None:
    """Whole days; None where one is not known."""
    return None if earlier is None or later is None else (later - earlier).days


def median(values: Sequence[float]) -> float | None:
    """Middle value; None where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) / 2
    return (ordered[math.ceil(middle) - 1] + ordered[math.floor(middle)]) / 2
