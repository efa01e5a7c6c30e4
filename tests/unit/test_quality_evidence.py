"""A test of one subject, against closed forms and values counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from revlog.estimates.quality.evidence import (
    LOG_LEVELS,
    Habit,
    Side,
    expected_before,
    learnt,
    log_evidence,
    ratios,
)
from revlog.estimates.quality.nights import adjusted

AS_ITS_PEERS = np.isclose(LOG_LEVELS, 0).astype(float)


def _side(own: np.ndarray, events: float, share: float) -> Side:
    """Subjects of one share of what was shipped, with so many of the events."""
    against = events * np.log(1 + (np.exp(LOG_LEVELS) - 1) * share)
    return Side(own.astype(float), np.tile(against, (len(own), 1)))


def _nothing(tests: int) -> Side:
    return Side(np.zeros(tests), np.zeros((tests, len(LOG_LEVELS))))


@pytest.mark.parametrize(
    ("own", "events", "share"), [(10, 20, 0.2), (38, 100, 0.2), (6, 10, 0.2), (9, 9, 0.5)]
)
def test_the_chance_is_the_tail_of_the_binomial(own: int, events: int, share: float) -> None:
    """Never below the exact one, and at most a fiftieth above it; of all events at most Chernoff's bound."""
    found = np.exp(-log_evidence(AS_ITS_PEERS[None], _side(np.array([own]), events, share)))[0]
    exact = stats.binom.sf(own - 1, events, share)
    assert exact <= found <= exact * (1.02 if own < events else 1.1)


def test_the_chance_of_weeks_of_different_shares_is_that_of_their_sum() -> None:
    """30 events of share 0.1 and 20 of share 0.4: the two binomials convolved, 18 or more of them own."""
    both = Side(
        np.array([18.0]), _side(np.array([0]), 30, 0.1).against + _side(np.array([0]), 20, 0.4).against
    )
    sum_ = np.convolve(stats.binom.pmf(np.arange(31), 30, 0.1), stats.binom.pmf(np.arange(21), 20, 0.4))
    found = np.exp(-log_evidence(AS_ITS_PEERS[None], both))
    assert found == pytest.approx([sum_[18:].sum()], rel=0.02)


def test_a_subject_that_differs_and_drifts_as_others_do_is_seldom_rare() -> None:
    """Its level is drawn from the spread and moved by the drift: a p-value of x comes x of the time."""
    before = expected_before(_nothing(1), Habit(0.5, 0.22))
    own = np.arange(61)
    p_values = np.exp(-log_evidence(np.tile(before, (61, 1)), _side(own, 60, 0.2)))
    odds = np.exp(LOG_LEVELS) * 0.2 / 0.8
    chance = before[0] @ stats.binom.pmf(own, 60, (odds / (1 + odds))[:, None])
    for level in (0.05, 0.01, 0.001):
        assert chance[p_values <= level].sum() <= level
    assert chance[p_values <= 0.05].sum() > 0.02


def test_what_a_subject_always_did_is_no_evidence() -> None:
    """Three times its peers, and 150 of 350 again, as before: odds 3 of a share of 0.2."""
    past = _side(np.array([150]), 350, 0.2)
    assert log_evidence(expected_before(past, Habit(0.5, 0.1)), past)[0] < 1
    assert log_evidence(expected_before(_nothing(1), Habit(0.1, 0.1)), past)[0] > 10


def test_the_effect_is_the_ratio_of_the_odds() -> None:
    """300 of 1,000 where 100 were expected: (0.3 / 0.7) / (0.1 / 0.9) = 3.857, with Wald's bounds."""
    [found] = ratios(AS_ITS_PEERS[None], _side(np.array([300]), 1000, 0.1), (0.5, 0.025, 0.975))
    error = 1.96 * np.sqrt(1 / 300 + 1 / 700)
    assert found == pytest.approx(3.857 * np.exp([0, -error, error]), rel=0.05)


def test_spread_and_drift_are_learnt_from_many() -> None:
    """2,000 subjects whose levels are drawn with a spread of 0.5, and with 0.33 from then to now."""
    rng = np.random.default_rng(1)
    level = rng.normal(0, 0.5, 2000)
    odds = np.exp(level) * 0.02 / 0.98, np.exp(level + rng.normal(0, 0.33, 2000)) * 0.02 / 0.98
    past, now = (_side(rng.binomial(1500, o / (1 + o)), 1500, 0.02) for o in odds)
    found = learnt(past, past, now)
    assert (found.spread, found.drift) == pytest.approx((0.5, 0.33), abs=0.06)


def test_from_few_the_usual_is_assumed() -> None:
    nothing = _nothing(3)
    found = learnt(nothing, nothing, nothing)
    assert (found.spread, found.drift) == pytest.approx((0.4, 0.2), abs=0.06)


def test_who_asks_much_finds_some() -> None:
    """Benjamini and Hochberg: of four tests 1/80, 1/60, 1/20 and 1, times 4 over their rank."""
    worth = np.log(np.array([80, 60, 20, 1]) / 4)
    assert adjusted(worth, 4) == pytest.approx([1 / 30, 1 / 30, 4 / 60, 1])


def test_tests_that_nobody_looked_at_count_as_well() -> None:
    """Of 400 tests, three looked at: p-values of 1/80,000, 1/20,000 and 1, at equal parts."""
    worth = np.log(np.array([80_000, 20_000, 1]) / 400)
    assert adjusted(worth, 400) == pytest.approx([400 / 80_000, 400 / 20_000 / 2, 1])
    assert adjusted(np.empty(0), 0).size == 0
