"""What was to be expected on one day, from nothing but what had happened by its end."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from revlog.estimates.forecast.cohorts import asked_ahead
from revlog.estimates.forecast.hazard import HORIZON
from revlog.estimates.forecast.history import LEARNT_DAYS, History, Receipts, Units, known_on, tally
from revlog.estimates.forecast.way import learn, still_to_come

# Parts of what is expected, in the order of `Expected.parts`.
PARTS = ("under_way", "past_sales", "coming_sales", "unknown_sale")
# Units that come to the site that shipped them, beside those that came.
AT_HOME = 5.0


@dataclass(frozen=True)
class Expected:
    """Units by part, receiving site, category and day ahead; by site and week what their variance lacks."""

    parts: Units
    squares: Units

    @property
    def daily(self) -> Units:
        return self.parts.sum(axis=0)


def expected_after(history: History, day: int) -> Expected:
    """What the model says at the end of a day."""
    known = known_on(history, day)
    shape = known.shape
    way = learn(known.lines.usual(), known.later.usual(), day, shape[0])
    under_way, squares = still_to_come(way, known.lines, known.later, day, shape)
    asked = asked_ahead(replace(known, lines=known.lines.usual()), day)
    flows = (asked.of_past_sales, asked.of_coming_sales, asked.of_no_known_sale)
    parts = np.stack([under_way, *(flow @ way.of_asked for flow in flows)])
    goes_to = _goes_to(known.receipts, day, shape[0])
    received = np.einsum("psch,sr->prch", parts, goes_to)
    return Expected(received, np.einsum("sw,sr->rw", squares, goes_to))


def repeated(history: History, day: int) -> Units:
    """The seasonal naive forecast: the last seven days again, by site, category and day ahead."""
    receipts = history.receipts
    last = receipts.where((receipts.received <= day) & (receipts.received > day - 7))
    week = tally((*history.shape, 7), (last.site, last.category, last.received - day + 6), last.units)
    return np.tile(week, HORIZON // 7)


def come_since(history: History, day: int) -> Units:
    """What came, by site, category and day ahead."""
    receipts = history.receipts
    came = receipts.where((receipts.received > day) & (receipts.received <= day + HORIZON))
    return tally((*history.shape, HORIZON), (came.site, came.category, came.received - day - 1), came.units)


def _goes_to(receipts: Receipts, day: int, sites: int) -> Units:
    """Share of what a site shipped that each receives; of a site of which nothing came its own, or as all."""
    recent = receipts.where(receipts.received > day - LEARNT_DAYS)
    units = tally((sites, sites), (recent.ship_from_site, recent.site), recent.units)
    of_all = units.sum(axis=0)
    if not of_all.sum():
        return np.eye(sites)
    at_home = np.where((of_all > 0)[:, None], np.eye(sites), of_all / of_all.sum())
    return (units + AT_HOME * at_home) / (units.sum(axis=1, keepdims=True) + AT_HOME)
