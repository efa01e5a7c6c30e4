"""How far what comes strays from what was expected: variances learnt from past errors, and the intervals.

    variance = dispersion x base + (drift of the week ahead x mean)^2

The base is the mean less the squared chances of what is under way: units that each come or don't stray less
than Poisson's. The dispersion says how far units come together (a parcel holds several), the drift how far
the level itself was wrong. Both are learnt from errors of earlier origins whose weeks had passed, beside
`BORROWED` origins that strayed as its receipts come together and `USUAL_DRIFT` says, so that a young
company has intervals, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from revlog.estimates.forecast.history import LEARNT_DAYS, Flags, Receipts, Units

WEEKS = 4
# Planning value until a company's own errors outweigh it: sales a month ahead are known to a fifth.
USUAL_DRIFT = np.array([0.05, 0.08, 0.12, 0.18])
BORROWED = 3.0
LEAST_DISPERSION = 0.5
# Of the mean that may be lacking to the base, and units below which a week tells nothing of its variance.
LEAST_BASE, LEAST_MEAN = 0.05, 0.5
# A variance that was learnt from n spans is off itself; its doubt falls with n. Measured:
# docs/decisions/0059.
DOUBT = 0.5
ROUNDS = 5
# The naive strays twice: last week from its mean, and the week to come.
NAIVE_TWICE = 2.0


@dataclass(frozen=True)
class Spread:
    """Learnt from `spans` four-week spans that don't overlap; fewer make the interval wider."""

    dispersion: float
    drift: Units
    spans: float

    def of_weeks(self, mean: Units, squares: Units) -> Units:
        """Variance by site and week ahead."""
        base = np.maximum(mean - squares, LEAST_BASE * mean)
        return self._widened(self.dispersion * base + (self.drift * mean) ** 2)

    def of_days(self, mean: Units) -> Units:
        """Variance by site, category and day ahead."""
        drift = np.repeat(self.drift, 7)
        return self._widened(max(self.dispersion, 1.0) * mean + (drift * mean) ** 2)

    def _widened(self, variance: Units) -> Units:
        return variance * (1 + DOUBT / (self.spans + BORROWED / WEEKS))


def coming_together(receipts: Receipts, day: int) -> float:
    """Dispersion of units that come as these receipts did, each at random: their squares over their sum."""
    recent = receipts.where((receipts.received <= day) & (receipts.received > day - LEARNT_DAYS))
    units = recent.usual_units.sum()
    return float(recent.squared_units.sum() / units) if units else 1.0


def learn_spread(actual: Units, mean: Units, lacking: Units, known: Flags, together: float) -> Spread:
    """The spread of the known errors, by origin, site and week ahead; `together` is the usual dispersion."""
    told = known & (mean > LEAST_MEAN)
    base = np.maximum(mean - lacking, LEAST_BASE * mean)
    spans = float(known.any(axis=1).sum(axis=0).mean() / WEEKS) if known.size else 0.0
    usual = _usual_rows(base, mean, told)
    expected = np.concatenate([[together], USUAL_DRIFT**2])
    week = np.broadcast_to(np.arange(WEEKS), mean.shape)[told]
    rows = np.vstack([_rows(base[told], mean[told], week), usual])
    squares = np.concatenate([((actual - mean) ** 2)[told], usual @ expected])
    weights = np.ones(len(rows))
    weights[-WEEKS:] = np.sqrt(BORROWED * mean.shape[1])
    found = expected
    for _ in range(ROUNDS):
        # Halfway to the usual one: a variance that few errors made small would make them weigh ever more.
        scale = weights / (rows @ (found + expected))
        found = _least_squares(rows * scale[:, None], squares * scale)
    return Spread(float(found[0]), np.sqrt(found[1:]), spans)


def _rows(base: Units, mean: Units, week: Any) -> Units:
    """What a squared error is expected to be, in terms of the dispersion and the four squared drifts."""
    rows = np.zeros((len(mean), 1 + WEEKS))
    rows[:, 0] = base
    rows[np.arange(len(mean)), 1 + week] = mean**2
    return rows


def _usual_rows(base: Units, mean: Units, told: Flags) -> Units:
    """A week ahead of the usual size each; of one that is not known yet the size of those that are."""
    size = told.sum(axis=(0, 1))
    means = []
    for values in (base, mean):
        of_week = np.where(told, values, 0).sum(axis=(0, 1))
        of_all = of_week.sum() / max(size.sum(), 1)
        means.append(np.maximum(np.where(size > 0, of_week / np.maximum(size, 1), of_all), LEAST_MEAN))
    return _rows(means[0], means[1], np.arange(WEEKS))


def _least_squares(rows: Units, squares: Units) -> Units:
    """Dispersion and squared drifts, none of them negative."""
    from scipy import optimize

    found, _ = optimize.nnls(rows, squares)
    return np.concatenate([[max(found[0], LEAST_DISPERSION)], found[1:]])


def interval(mean: Units, variance: Units, level: float) -> tuple[Units, Units]:
    """Whole numbers between which the count lies with this probability.

    A count is binomial where it strays less than Poisson's, else negative binomial. A number is out where
    what lies beyond it and half of its own probability are less than half of what may be out (mid-p): so
    intervals of small counts hold about what they say, where whole bounds would hold more.
    """
    mean, variance = np.maximum(np.round(mean, 6), 1e-6), np.round(variance, 6)
    narrow = variance < 0.99 * mean
    bounds = [np.zeros_like(mean), np.zeros_like(mean)]
    for which, of in ((narrow, _binomial), (~narrow, _negative_binomial)):
        if which.any():
            for bound, values in zip(bounds, _mid_p(of(mean[which], variance[which]), level), strict=True):
                bound[which] = values
    return bounds[0], bounds[1]


def _binomial(mean: Units, variance: Units) -> Any:
    from scipy import stats

    trials = np.ceil(np.maximum(mean**2 / (mean - variance), mean))
    return stats.binom(trials, mean / trials)


def _negative_binomial(mean: Units, variance: Units) -> Any:
    from scipy import stats

    chance = mean / np.maximum(variance, 1.001 * mean)
    return stats.nbinom(mean * chance / (1 - chance), chance)


def _mid_p(count: Any, level: float) -> tuple[Units, Units]:
    out = (1 - level) / 2
    low, high = count.ppf(out), count.ppf(1 - out)
    low = np.where(count.cdf(low - 1) + count.pmf(low) / 2 < out, low + 1, low)
    high = np.where((count.sf(high) + count.pmf(high) / 2 < out) & (high > 0), high - 1, high)
    return np.minimum(low, high), np.maximum(low, high)
