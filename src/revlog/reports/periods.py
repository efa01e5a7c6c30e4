"""Which days a KPI's headline is of, and which days before them it is compared with."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

# Fewer days of a month say nothing of the month: then the headline is still that of the one before.
DAYS_AT_LEAST = 7
# A month whose returns are half open shows those that ended fast: so much of it has to be final.
FINAL_AT_LEAST = 0.9


@dataclass(frozen=True)
class Period:
    """Days of one month, from its first to `last`."""

    last: dt.date

    @property
    def first(self) -> dt.date:
        """First day of the month."""
        return self.last.replace(day=1)

    @property
    def is_whole(self) -> bool:
        """True where the month is over."""
        return self.last.day == days_of(self.last)

    def same_days_before(self) -> Period:
        """As many days of the month before; a whole month is compared with a whole one.

        A shorter month before ends early: 1 to 30 March stand beside 1 to 28 February.
        """
        end = self.first - dt.timedelta(days=1)
        return Period(end if self.is_whole else end.replace(day=min(self.last.day, end.day)))

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        if self.is_whole:
            return f"{self.last:%b %Y}"
        days = "1" if self.last.day == 1 else f"1–{self.last.day}"
        return f"{days} {self.last:%b %Y}"


def period_to_date(days: Sequence[tuple[dt.date, int, int]]) -> Period | None:
    """The newest month that says something, up to the last day to which it is final; None where none does.

    `days` are days from the oldest on with how many of their rows are final, and of how many. It takes seven
    days of a month, of whose rows nine in ten are final. A month that is over ends with its last day, though
    nothing may have happened on it.
    """
    months: dict[dt.date, list[tuple[dt.date, int, int]]] = {}
    for day in days:
        months.setdefault(day[0].replace(day=1), []).append(day)
    newest = max(months, default=None)
    for month in sorted(months, reverse=True):
        found = _final_to(months[month], is_over=month != newest)
        if found and (found.day >= DAYS_AT_LEAST):
            return Period(found)
    return None


def _final_to(days: list[tuple[dt.date, int, int]], is_over: bool) -> dt.date | None:
    """Newest day of a month to which enough of its rows are final."""
    final = rows = 0
    found = None
    for day, final_rows, all_rows in days:
        final, rows = final + final_rows, rows + all_rows
        if rows and final >= FINAL_AT_LEAST * rows:
            found = day
    if found and is_over and found == days[-1][0]:
        return found.replace(day=days_of(found))
    return found


def days_of(day: dt.date) -> int:
    """How many days the day's month has."""
    return calendar.monthrange(day.year, day.month)[1]
