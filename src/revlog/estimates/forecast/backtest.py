"""The model on days of the past, each without knowing what came after, beside what came and the naive
forecast.

Origins are Sundays, so that a week ahead is a week of the calendar, and a row stays the same from night to
night.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlog.estimates.forecast.history import Flags, History, Receipts, Units
from revlog.estimates.forecast.origin import come_since, expected_after, repeated
from revlog.estimates.forecast.spread import WEEKS, Spread, coming_together, interval, learn_spread
from revlog.estimates.forecast.way import weekly

# Weeks that each row of the accuracy is measured on, and as many before them, from whose errors the intervals
# of the first of them were learnt.
TESTED = 26
# Days of a site's receipts without which nothing is expected of it.
FEWEST_DAYS = 56
LEVELS = (0.80, 0.95)


@dataclass(frozen=True)
class BackTest:
    """By origin (the newest first), site and week ahead; `origins` are days.

    `is_tested` are weeks that have passed, of origins by which the site had received for long enough.
    """

    receipts: Receipts
    origins: tuple[int, ...]
    actual: Units
    expected: Units
    naive: Units
    squares: Units
    is_tested: Flags

    def spread_on(self, day: int) -> Spread:
        """What the errors told at the end of a day, of the newest origins whose weeks had passed."""
        known = self.is_tested & self._newest(day)[:, None, :]
        together = coming_together(self.receipts, day)
        return learn_spread(self.actual, self.expected, self.squares, known, together)

    def scored(self, as_of: int) -> Flags:
        """Weeks that the accuracy is measured on."""
        return self.is_tested & self._newest(as_of)[:, None, :]

    def intervals(self, origin: int) -> list[tuple[Units, Units]]:
        """Bounds by site and week ahead for each level, as they would have been given then."""
        spread = self.spread_on(self.origins[origin])
        variance = spread.of_weeks(self.expected[origin], self.squares[origin])
        return [interval(self.expected[origin], variance, level) for level in LEVELS]

    def _newest(self, day: int) -> Flags:
        """Of each week ahead, the newest origins whose week had passed by the end of the day."""
        ends = np.array(self.origins, dtype=np.int64)[:, None] + 7 * np.arange(1, WEEKS + 1)
        passed: Flags = ends <= day
        return passed & (passed.cumsum(axis=0) <= TESTED)


def back_test(history: History, as_of: int) -> BackTest:
    """All origins that are scored, and those from which the first of them learnt its intervals."""
    since = first_received(history)
    origins = [o for o in _sundays(as_of) if o >= since.min(initial=as_of) + FEWEST_DAYS]
    sites = len(history.sites)
    shape = (len(origins), sites, WEEKS)
    found = {name: np.zeros(shape) for name in ("actual", "expected", "naive", "squares")}
    for at, origin in enumerate(origins):
        model = expected_after(history, origin)
        found["expected"][at] = weekly(model.daily.sum(axis=1))
        found["squares"][at] = model.squares
        found["naive"][at] = weekly(repeated(history, origin).sum(axis=1))
        found["actual"][at] = weekly(come_since(history, origin).sum(axis=1))
    days = np.array(origins, dtype=np.int64)
    passed = days[:, None] + 7 * np.arange(1, WEEKS + 1) <= as_of
    long_enough = days[:, None] >= since[None, :] + FEWEST_DAYS
    tested = long_enough[:, :, None] & passed[:, None, :]
    return BackTest(history.receipts, tuple(origins), is_tested=tested, **found)


def first_received(history: History) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """First day of receipt by site; far ahead where nothing came."""
    first = np.full(len(history.sites), np.iinfo(np.int64).max // 2)
    np.minimum.at(first, history.receipts.site, history.receipts.received)
    return first


def _sundays(as_of: int) -> list[int]:
    """Sundays of which a week has passed, the newest first (day 3 was one)."""
    newest = as_of - 7 - (as_of - 7 - 3) % 7
    return [newest - 7 * week for week in range(2 * TESTED + WEEKS - 1)]
