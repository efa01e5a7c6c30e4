"""A test of one subject, against closed forms and values counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from revlog.estimates.quality_evidence import (
    LOG_LEVELS,
    WORSE_STEPS,
    Habit,
    Side,
    expected_before,
    learnt,
    log_e_value,
    ratios,
)
from revlog.estimates.quality_nights import adjusted

AS_ITS_PEERS = np.isclose(LOG_LEVELS, 0).astype(float)
RATIOS = np.exp(LOG_LEVELS[AS_ITS_PEERS.argmax() + np.array(WORSE_STEPS)])


def _side(own: np.ndarray, events: float, share: float) -> Side:
    """Subjects of one share of what was shipped, with so many of the events."""
    against = events * np.log(1 + (np.exp(LOG_LEVELS) - 1) * share)
    return Side(own.astype(float), np.tile(against, (len(own), 1)))


def _nothing(tests: int) -> Side:
    return Side(np.zeros(tests), np.zeros((tests, len(LOG_LEVELS))))


def test_one_return_of_a_quarter_of_the_goods() -> None:
    """At r times the odds it is the subject's own with probability r / (r + 3), before with 1 / 4."""
    e_value = np.exp(log_e_value(AS_ITS_PEERS[None], _side(np.array([1]), 1, 0.25)))
    assert e_value == pytest.approx([np.mean(4 * RATIOS / (RATIOS + 3))])


def test_where_nothing_got_worse_the_mean_evidence_is_one() -> None:
    """Over all that could have come: 40 events, of which each is the subject's own with probability 0.2."""
    own = np.arange(41)
    e_values = np.exp(log_e_value(np.tile(AS_ITS_PEERS, (41, 1)), _side(own, 40, 0.2)))
    assert stats.binom.pmf(own, 40, 0.2) @ e_values == pytest.approx(1)


def test_nor_is_it_more_for_a_subject_that_differs_and_drifts_as_others_do() -> None:
    """The level itself is drawn: from the spread, then moved by the drift."""
    before = expected_before(_nothing(1), Habit(0.5, 0.22))
    own = np.arange(41)
    e_values = np.exp(log_e_value(np.tile(before, (41, 1)), _side(own, 40, 0.2)))
    odds = np.exp(LOG_LEVELS) * 0.2 / 0.8
    chance = before[0] @ stats.binom.pmf(own, 40, (odds / (1 + odds))[:, None])
    # Levels that a ratio would carry beyond the grid are left out.
    assert chance @ e_values == pytest.approx(1, abs=1e-4)
    assert chance @ e_values <= 1 + 1e-9


def test_what_a_subject_always_did_is_no_evidence() -> None:
    """Three times its peers, and 150 of 350 again, as before: odds 3 of a share of 0.2."""
    past = _side(np.array([150]), 350, 0.2)
    before = expected_before(past, Habit(0.5, 0.1))
    assert log_e_value(before, past)[0] < 0
    assert log_e_value(expected_before(_nothing(1), Habit(0.1, 0.1)), past)[0] > 10


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
    assert learnt(past, past, now) == Habit(0.5, 0.33)


def test_from_few_the_usual_is_assumed() -> None:
    nothing = _nothing(3)
    assert learnt(nothing, nothing, nothing) == Habit(0.33, 0.15)


def test_who_asks_much_finds_some() -> None:
    """Benjamini and Hochberg of 1 / e: of four tests 1/80, 1/60, 1/20 and 1, times 4 over their rank."""
    worth = np.log(np.array([80, 60, 20, 1]) / 4)
    assert adjusted(worth, 4) == pytest.approx([1 / 30, 1 / 30, 4 / 60, 1])


def test_tests_that_nobody_looked_at_count_as_well() -> None:
    """Of 400 tests, three looked at: e-values of 80,000 and 20,000 and 1 at equal parts."""
    worth = np.log(np.array([80_000, 20_000, 1]) / 400)
    assert adjusted(worth, 400) == pytest.approx([400 / 80_000, 400 / 20_000 / 2, 1])
    assert adjusted(np.empty(0), 0).size == 0
