"""How surely counts say that something got worse: p-values of a subject against its past and its peers.

What was shipped in one week is equally old on every later night. So of the returns of a week, a subject's own
are compared with those of its peers of the same week: where it is as they are, each return is its own with
the probability of its share of what was shipped. No rate of an age has to be known, no season, and nothing
from after the look. This is the conditional likelihood of the log-rank test, stratified by week: Mantel,
"Evaluation of survival data and two new rank order statistics", Cancer Chemother. Rep. 50 (1966).

A subject is never exactly as its peers. Its odds against them are its `level`, drawn from a spread that is
learnt from all subjects; from one time to the next they move by a `drift`, learnt likewise. A p-value is the
mean of the tail over the levels that the subject may have, so that what differs and moves as always is no
news. Arrays are (tests, levels) unless told otherwise; p-values are kept as logarithms of 1 / p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

STEP = 0.15  # of the grid, in log odds: a seventh
LOG_LEVELS = np.arange(-20, 34) * STEP  # 0.05 to 140 times the peers
WIDEST = 22  # steps above its peers up to which a level may have lain before anything got worse: 27 times
# Some subjects lie farther from their peers than a log-normal spread has it: such a part, twice as far.
STRANGE = 0.1
SPREADS = np.array([0.10, 0.15, 0.22, 0.33, 0.50, 0.75, 1.10])
DRIFTS = np.array([0.10, 0.15, 0.22, 0.33, 0.50])
NEAR = 0.02  # of the level that was seen, in log odds, a tail is told as 1
TINY = 1e-300  # beyond which no likelihood is told from another
# What is assumed of subjects of which there are too few to learn from, and how firmly, in log units.
USUAL_SPREAD, USUAL_DRIFT, FIRMNESS = 0.35, 0.15, 0.7


@dataclass(frozen=True)
class Habit:
    """How much subjects differ: standard deviations of log odds, between them, and of each over time."""

    spread: float = USUAL_SPREAD
    drift: float = USUAL_DRIFT


@dataclass(frozen=True)
class Side:
    """What is known of each test's subject in a stretch of weeks.

    Its own returns, and for each level the sum over all returns of log(1 + (level - 1) share).
    """

    own: Floats
    against: Floats

    @property
    def log_likelihood(self) -> Floats:
        return self.own[..., None] * LOG_LEVELS - self.against

    @property
    def in_rows(self) -> Side:
        """The same with all axes before the levels in one."""
        return Side(self.own.reshape(-1), self.against.reshape(-1, len(LOG_LEVELS)))

    def stacked(self) -> Side:
        """The same as the one member of a first axis."""
        return Side(self.own[None], self.against[None])

    def at(self, place: int) -> Side:
        """Of sides with a first axis: those at one place of it."""
        return Side(self.own[place], self.against[place])

    def of(self, test: int) -> Side:
        """Those of one test."""
        return Side(self.own[[test]], self.against[[test]])

    def less(self, part: Side) -> Side:
        """What is left without a part."""
        return Side(self.own - part.own, self.against - part.against)

    def before(self, stretches: int) -> Side:
        """Of sides by stretch (the last axis of `own`): the sum of the first so many."""
        return Side(self.own[:, :stretches].sum(axis=1), self.against[:, :stretches].sum(axis=1))

    def at_each(self) -> tuple[Side, Side]:
        """Of sides by stretch: the sums of those before each (now the first axis), and of it and the rest."""
        own, against = self.own.cumsum(axis=1).T, self.against.cumsum(axis=1).transpose(1, 0, 2)
        before = Side(own - self.own.T, against - self.against.transpose(1, 0, 2))
        return before, Side(own[-1] - before.own, against[-1] - before.against)


def expected_before(past: Side, habit: Habit) -> Floats:
    """Probability of each level, as of the past and before the stretch that is tested."""
    return np.asarray(
        _probabilities(_log_spread(habit.spread) + past.log_likelihood) @ _drifting(habit.drift)
    )


def log_evidence(before: Floats, now: Side) -> Floats:
    """Of each test 1 / p as a logarithm: p is the probability that as many returns or more are the subject's
    own, where it is as it was expected to be before. Shape (tests,).
    """
    return np.asarray(-np.log((before * _chance_of_more(now)).sum(axis=1) + TINY))


def _chance_of_more(seen: Side) -> Floats:
    """Probability of at least the own returns, for each level that the subject may have.

    The number of own returns is a sum over weeks of binomial counts. Its cumulant generating function at a
    level is the difference of `against` between levels, so that the tail follows by saddlepoint: Lugannani,
    Rice, "Saddle point approximation for the distribution of the sum of independent random variables", Adv.
    Appl. Prob. 12 (1980), with Daniels' correction for counts. It is within 2 % of the exact tail, on its
    safe side.
    """
    from scipy.special import ndtr

    fits, total, spread = _best_level(seen)
    tilt = fits[:, None] - LOG_LEVELS
    power = 2 * (tilt * seen.own[:, None] - (total[:, None] - seen.against))
    root = np.sqrt(np.maximum(power, TINY))
    width = -np.expm1(-tilt) * np.sqrt(spread)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        chance = ndtr(-root) + np.exp(-power / 2) / np.sqrt(2 * np.pi) * (1 / width - 1 / root)
    # Chernoff's bound where no level of the grid is as high as what was seen.
    chance = np.where((fits >= LOG_LEVELS[-1])[:, None], np.exp(-power / 2), chance)
    return np.where(tilt > NEAR, np.clip(chance, 0, 1), 1.0)


def _best_level(seen: Side) -> tuple[Floats, Floats, Floats]:
    """The logarithm of the level at which the own returns are what is expected; `against` and their variance
    there.
    """
    expected = np.gradient(seen.against, STEP, axis=1)
    variance = np.gradient(expected, STEP, axis=1)
    row, last = np.arange(len(seen.own)), len(LOG_LEVELS) - 1
    high = np.clip((expected < seen.own[:, None]).sum(axis=1), 1, last)
    low = high - 1
    gap = np.maximum(expected[row, high] - expected[row, low], TINY)
    part = np.clip((seen.own - expected[row, low]) / gap, 0, 1)
    # Cubic between the two levels, by what is there and its slope.
    total = (
        (2 * part**3 - 3 * part**2 + 1) * seen.against[row, low]
        + (part**3 - 2 * part**2 + part) * STEP * expected[row, low]
        + (3 * part**2 - 2 * part**3) * seen.against[row, high]
        + (part**3 - part**2) * STEP * expected[row, high]
    )
    spread = (1 - part) * variance[row, low] + part * variance[row, high]
    return LOG_LEVELS[low] + part * STEP, total, np.maximum(spread, TINY)


def ratios(before: Floats, now: Side, shares: tuple[float, ...]) -> Floats:
    """Quantiles of how many times as before the level is now, shape (tests, shares).

    The level now is any with the same probability beforehand, so that this is no test but a measure of it.
    """
    level_now = _probabilities(now.log_likelihood)
    size = len(LOG_LEVELS)
    steps = np.arange(-(size - 1), size) * STEP
    found = np.empty((len(level_now), len(shares)))
    for row, (now_, before_) in enumerate(zip(level_now, before, strict=True)):
        below = np.cumsum(np.convolve(now_, before_[::-1]))
        # Each step stands for the half step around it.
        found[row] = np.interp(shares, below / below[-1], steps + STEP / 2)
    return np.exp(found)


def learnt(everything: Side, past: Side, recent: Side) -> Habit:
    """The mean spread and drift, by how likely they make what was seen; the usual ones where little was."""
    seen = _scaled(everything.log_likelihood)
    fits = [_log_fit(_probabilities(_log_spread(spread)[None, :]), seen) for spread in SPREADS]
    spread = _mean(SPREADS, np.array(fits), USUAL_SPREAD)
    seen = _scaled(recent.log_likelihood)
    fits = [_log_fit(expected_before(past, Habit(spread, drift)), seen) for drift in DRIFTS]
    return Habit(spread, _mean(DRIFTS, np.array(fits), USUAL_DRIFT))


def _mean(values: Floats, fits: Floats, usual: float) -> float:
    """Mean of values by their fits, which are logarithms, and by how near they are to what is usual."""
    fits = fits - 0.5 * (np.log(values / usual) / FIRMNESS) ** 2
    return float(_probabilities(fits[None, :])[0] @ values)


def _log_fit(before: Floats, seen: Floats) -> float:
    return float(np.log((before * seen).sum(axis=1) + TINY).sum())


def _log_spread(spread: float) -> Floats:
    """Logarithm of the probability of each level of a subject of which nothing is known yet."""
    usual, strange = (np.exp(-0.5 * (LOG_LEVELS / width) ** 2) / width for width in (spread, 2 * spread))
    found = np.where(LOG_LEVELS <= (WIDEST + 0.5) * STEP, (1 - STRANGE) * usual + STRANGE * strange, 0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(found / found.sum()))


def _drifting(drift: float) -> Floats:
    """Probability of each level (column) of a subject that was at another one (row)."""
    away = (LOG_LEVELS[:, None] - LOG_LEVELS[None, :]) / drift
    kernel = np.exp(-0.5 * away**2)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def _scaled(log_values: Floats) -> Floats:
    """Exponentials, of which the highest of each row is 1."""
    return np.asarray(np.exp(log_values - log_values.max(axis=1, keepdims=True)))


def _probabilities(log_values: Floats) -> Floats:
    """Exponentials that add up to 1 in each row."""
    found = _scaled(log_values)
    return np.asarray(found / found.sum(axis=1, keepdims=True))
