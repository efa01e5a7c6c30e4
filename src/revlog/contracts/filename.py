"""Names of files: the pattern that a layout takes, and the day that such a name tells."""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass

from revlog.values.times import EARLIEST_YEAR, LATEST_YEAR

# Digits and letters of strptime's directives in a file name.
_DATE_PARTS = {
    "%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}",
    "%M": r"\d{2}", "%S": r"\d{2}", "%j": r"\d{3}", "%b": r"[A-Za-z]{3}", "%B": r"[A-Za-z]+",
    "%-m": r"\d{1,2}", "%-d": r"\d{1,2}",
}  # fmt: skip
# `{date}` is the file's day, the last one where it covers several; `{from}` the first of them, and
# `{until}` the one after the last.
_PLACE = re.compile(r"\{(date|from|until)(?::([^{}]*))?\}")
_PARTS = re.compile(r"(\{[^{}]*\}|\*)")
DEFAULT_FORMAT = "%Y%m%d"


@dataclass(frozen=True)
class FilePattern:
    """A name with `*` and with dates in braces, such as `report_{from:%Y-%m-%d}_{date:%Y-%m-%d}*.csv`."""

    text: str

    def check(self) -> None:
        """Raise ValueError for braces that hold no date, and where the day is told twice."""
        for part in _PARTS.findall(self.text):
            if part != "*" and not _PLACE.fullmatch(part):
                raise ValueError(f"{part} in the file pattern is not {{date}}, {{from}} or {{until}}")
        if sum(name in ("date", "until") for name, _ in _PLACE.findall(self.text)) > 1:
            raise ValueError("the file pattern tells the day twice: one {date} or one {until}")
        self.dates_of("")

    @property
    def is_dated(self) -> bool:
        """True where names tell their day."""
        return any(name in ("date", "until") for name, _ in _PLACE.findall(self.text))

    def dates_of(self, name: str) -> dict[str, dt.date] | None:
        """The dates in a name by their place; None where it is not of this pattern."""
        found = self._expression.match(re.sub(r"\.(gz|zip)$", "", name, flags=re.IGNORECASE))
        if not found:
            return None
        try:
            dates = {
                place: dt.datetime.strptime(found[place], (form or DEFAULT_FORMAT).replace("%-", "%")).date()
                for place, form in _PLACE.findall(self.text)
            }
        except ValueError:
            return None
        return dates if all(EARLIEST_YEAR <= d.year <= LATEST_YEAR for d in dates.values()) else None

    def is_like(self, name: str, *, in_any_case: bool = False) -> bool:
        """True for names of this pattern, be their dates ones that exist or not."""
        plain = re.sub(r"\.(gz|zip)$", "", name, flags=re.IGNORECASE)
        flags = re.DOTALL | (re.IGNORECASE if in_any_case else 0)
        return re.compile(self._expression.pattern, flags).match(plain) is not None

    def day_of(self, name: str) -> dt.date | None:
        """The day that a name tells; None where it is not of this pattern, or tells none."""
        dates = self.dates_of(name) or {}
        if "until" in dates:
            return dates["until"] - dt.timedelta(days=1)
        return dates.get("date")

    def example(self) -> str:
        """A name of the pattern."""
        day = dt.date(2026, 1, 31)
        name = _PLACE.sub(lambda m: day.strftime((m[2] or DEFAULT_FORMAT).replace("%-", "%")), self.text)
        return name.replace("*", "")

    @functools.cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile("".join(map(_expression, _PARTS.split(self.text))) + r"\Z", re.DOTALL)


def _expression(part: str) -> str:
    if part == "*":
        return r"[^/]*"
    place = _PLACE.fullmatch(part)
    if place is None:
        return re.escape(part)
    pieces = re.findall(r"%-?.|[^%]+", place[2] or DEFAULT_FORMAT)
    return f"(?P<{place[1]}>{''.join(_DATE_PARTS.get(p, re.escape(p)) for p in pieces)})"
