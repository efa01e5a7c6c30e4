"""What sales send back: the share of a category's units that is asked for at each age since shipping.

A share at an age is that of all sales which had lived it (as in the accrual, docs/decisions/0016): no
estimate knows the future. A category counts beside `BORROWED` units of all. What is asked for of the sales
of a site is then set right by what the last weeks showed against these shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlog.estimates.forecast.hazard import HORIZON
from revlog.estimates.forecast.history import LEARNT_DAYS, NEVER, History, Lines, Units, tally

# Days after shipping up to which a return belongs to its sale; what comes later counts as of no known sale.
OLDEST_SALE = 365
# Days of sales that are looked back to: the oldest whose last return was learnt from, and a year before.
SALES_DAYS = OLDEST_SALE + LEARNT_DAYS
RECENT_DAYS = 56
# Level and last year's season are taken of as many days as are looked ahead.
LEVEL_DAYS = HORIZON
BORROWED = 200.0
BORROWED_LEVEL = 50.0
YEAR = 364  # in whole weeks, so that weekdays meet
# How far last year's season is believed.
LEAST_SEASON, MOST_SEASON = 0.2, 5.0


@dataclass(frozen=True)
class Asked:
    """Units that will be asked for on each of the days ahead, by site that shipped, category and day."""

    of_past_sales: Units
    of_coming_sales: Units
    of_no_known_sale: Units


def asked_ahead(history: History, day: int) -> Asked:
    """What was to be expected at the end of a day; `history` is as known on it."""
    lines = history.lines
    is_of_sale = (lines.shipped < NEVER) & (lines.asked - lines.shipped <= OLDEST_SALE)
    of_sale, of_none = lines.where(is_of_sale), lines.where(~is_of_sale)
    learnt = _days_learnt(lines, day)
    by_age = _sales_by_age(history, day)
    shares = _shares(of_sale, by_age, learnt, history.shape[1])
    recent = min(RECENT_DAYS, learnt)
    level = _level(of_sale, by_age, shares, day, recent)[:, None, None]
    coming = _coming_sales(history, by_age, day)
    none = of_none.where(of_none.asked > day - recent)
    daily = tally(history.shape, (none.site, none.category), none.units) / recent
    return Asked(
        _of_past(by_age, shares) * level,
        _of_coming(coming, shares) * level,
        np.repeat(daily[:, :, None], HORIZON, axis=2),
    )


def _days_learnt(lines: Lines, day: int) -> int:
    """Days since the first return that is known, a year at most."""
    return int(min(LEARNT_DAYS, day - lines.asked.min() + 1)) if len(lines.asked) else 1


def _sales_by_age(history: History, day: int) -> Units:
    """Units shipped, by site, category and days since."""
    sales = history.sales.where(history.sales.shipped > day - SALES_DAYS - 1)
    places = (sales.site, sales.category, day - sales.shipped)
    return tally((*history.shape, SALES_DAYS + 1), places, sales.units)


def _lived(by_age: Units, days: int) -> Units:
    """Units shipped that were of each age on one of the last `days`: shape (sites, categories, ages)."""
    younger = np.concatenate([np.zeros((*by_age.shape[:2], 1)), by_age.cumsum(axis=2)], axis=2)
    age = np.arange(OLDEST_SALE + 1)
    return younger[:, :, np.minimum(age + days, by_age.shape[2])] - younger[:, :, age]


def _shares(of_sale: Lines, by_age: Units, days: int, categories: int) -> Units:
    """Of a unit of a category, the share that is asked for at each age."""
    age = np.maximum(of_sale.asked - of_sale.shipped, 0)
    asked = tally((categories, OLDEST_SALE + 1), (of_sale.category, age), of_sale.units)
    lived = _lived(by_age, days).sum(axis=0)
    of_all = asked.sum(axis=0) / np.maximum(lived.sum(axis=0), 1.0)
    return np.minimum((asked + BORROWED * of_all) / (lived + BORROWED), 1.0)


def _level(of_sale: Lines, by_age: Units, shares: Units, day: int, days: int) -> Units:
    """What the last days showed of each site against the shares; 1 where they agree."""
    sites = by_age.shape[0]
    seen = of_sale.where(of_sale.asked > day - days)
    asked = tally((sites,), (seen.site,), seen.units)
    expected = np.einsum("sca,ca->s", _lived(by_age, days), shares)
    return (asked + BORROWED_LEVEL) / (expected + BORROWED_LEVEL)


def _of_past(by_age: Units, shares: Units) -> Units:
    """Units asked for on each day ahead, of what has been shipped."""
    ahead = np.zeros((*shares.shape, HORIZON))
    for days in range(1, HORIZON + 1):
        ahead[:, : OLDEST_SALE + 1 - days, days - 1] = shares[:, days:]
    return np.einsum("sca,cah->sch", by_age[:, :, : OLDEST_SALE + 1], ahead)


def _of_coming(coming: Units, shares: Units) -> Units:
    """The same of what will be shipped on the days ahead."""
    ahead = np.zeros((shares.shape[0], HORIZON, HORIZON))
    for shipped in range(HORIZON):
        ahead[:, shipped, shipped:] = shares[:, : HORIZON - shipped]
    return np.einsum("scd,cdh->sch", coming, ahead)


def _coming_sales(history: History, by_age: Units, day: int) -> Units:
    """Units shipped on each day ahead: the level of the last weeks, their weekdays, last year's season."""
    sold = by_age.sum(axis=(0, 1))
    days = int(np.flatnonzero(sold).max(initial=0)) + 1
    level_days = min(LEVEL_DAYS, days)
    level = by_age[:, :, :level_days].sum(axis=2) / level_days
    ahead = day + np.arange(1, HORIZON + 1)
    weekdays = _weekdays(sold[: min(RECENT_DAYS, days) // 7 * 7], day)
    return level[:, :, None] * weekdays[ahead % 7] * _season(history, day)


def _weekdays(sold: Units, day: int) -> Units:
    """What a weekday sells against the mean of all seven, by units sold so many days ago, of whole weeks."""
    if not sold.sum():
        return np.ones(7)
    units = np.bincount((day - np.arange(len(sold))) % 7, weights=sold, minlength=7)
    return units * 7 / units.sum()


def _season(history: History, day: int) -> Units:
    """Last year's sales on these days against those of the weeks before them; 1 without a last year."""
    sales = history.sales
    start = day - YEAR - LEVEL_DAYS
    if not len(sales.shipped) or sales.shipped.min() > start:
        return np.ones(HORIZON)
    span = sales.where((sales.shipped > start) & (sales.shipped <= start + LEVEL_DAYS + HORIZON + 3))
    sold = np.bincount(span.shipped - start - 1, weights=span.units, minlength=LEVEL_DAYS + HORIZON + 3)
    before = sold[:LEVEL_DAYS].mean()
    smooth = np.convolve(sold, np.ones(7) / 7, mode="valid")[LEVEL_DAYS - 3 : LEVEL_DAYS - 3 + HORIZON]
    if not before:
        return np.ones(HORIZON)
    return (smooth / before).clip(LEAST_SEASON, MOST_SEASON)
