"""How many rows, and until when, is usual for a feed on a day, after its days before."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Mapping

# Four weeks hold four of each weekday; fewer than five days say nothing about what is usual.
RECENT_DAYS = 28
LEAST_DAYS = 5
# A weekday is known by its own where so many of them, in as many days, are steady: the fullest has not more
# than the emptiest by this factor.
WEEKDAY_LEAST, WEEKDAY_DAYS, STEADY = 3, 56, 1.5
# A day may fall to these shares of the least of days that are all alike, and that differ much.
LEAST_SHARE, LEAST_SHARE_UNLIKE = 0.6, 0.35
# The same weekday a year before, and the days around it that say how that year went on.
YEAR, AROUND_DAYS = 364, 3
# How much earlier than ever before a day's last event may be.
END_MARGIN_MINUTES = 45.0


def usual(past: Mapping[dt.date, int], day: dt.date) -> tuple[float, float] | None:
    """Return the fewest and most rows that are still usual on `day`; None after fewer than LEAST_DAYS days.

    `past` has the rows of days before it, oldest first. A day may fall to 60 % of the median of the recent
    ones, and further where they scatter more: four standard deviations of the logarithm (from the median
    absolute deviation), and of Poisson's own. So a feed of ten rows a day is never held for having three, and
    one of a steady thousand is for five hundred. It may also fall to 60 % of the least of its weekday, where
    that is known, else of the recent days; to 35 % the more they differ. Where the year before fell or rose
    at this time, so may this one.
    """
    recent = list(past.values())[-RECENT_DAYS:]
    if len(recent) < LEAST_DAYS:
        return None
    middle = max(statistics.median(recent), 1.0)
    scatter = _scatter(recent, middle)
    chance = 4 * middle**0.5
    low = min(LEAST_SHARE * middle, middle / scatter, middle - chance)
    high = max(3 * middle, middle * scatter, middle + 2 * chance)
    weekday = [n for d, n in past.items() if (day - d).days <= WEEKDAY_DAYS and d.weekday() == day.weekday()]
    is_known = len(weekday) >= WEEKDAY_LEAST and max(weekday) <= STEADY * min(weekday)
    alike = weekday if is_known else recent
    low = min(low, _least_share(alike) * min(alike))
    high = max(high, max(alike) / LEAST_SHARE)
    course = _course(past, day)
    return float(max(0, math.floor(low * min(course, 1)))), high * max(course, 1)


def _least_share(days: list[int]) -> float:
    return max(LEAST_SHARE_UNLIKE, LEAST_SHARE * min(days) / max(*days, 1))


def _scatter(days: list[int], middle: float) -> float:
    logs = [abs(math.log(max(value, 1) / middle)) for value in days]
    return math.exp(4 * 1.4826 * statistics.median(logs))


def _course(past: Mapping[dt.date, int], day: dt.date) -> float:
    """How the year before went on at this time, as a factor of its four weeks before; 1 if unknown."""
    then = day - dt.timedelta(days=YEAR)
    around = [n for d, n in past.items() if abs((d - then).days) <= AROUND_DAYS]
    before = [n for d, n in past.items() if AROUND_DAYS < (then - d).days <= RECENT_DAYS + AROUND_DAYS]
    if not around or len(before) < LEAST_DAYS:
        return 1.0
    return statistics.median(around) / max(statistics.median(before), 1.0)


def earliest_usual_end(past: list[float]) -> float | None:
    """Return the earliest minute at which a day's last event is still usual; None if too short.

    `past` are the minutes of the last events of earlier days. A day may end a quarter of their
    spread, and at least three quarters of an hour, before the earliest of them.
    """
    if len(past) < LEAST_DAYS:
        return None
    return min(past) - max(END_MARGIN_MINUTES, (max(past) - min(past)) / 4)
