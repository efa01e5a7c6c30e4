"""Which alerts stand on a night, and since when: all tests of it, and what outweighs their number.

The p-values of a night, each weighted by what its test could show beforehand, go through Benjamini and
Hochberg's rule: Genovese, Roeder, Wasserman, "False discovery control with p-value weighting", Biometrika 93
(2006). So of what stands on a night at most 5 % is expected to be chance, and where nothing got worse
anything stands on at most 5 % of nights. Each p-value is raised for the looks that nights before had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from revlog.estimates.quality.evidence import (
    Floats,
    Habit,
    Side,
    expected_before,
    learnt,
    log_evidence,
)
from revlog.estimates.quality.panel import (
    FIRST_MONDAY,
    STRETCH_WEEKS,
    WEEK_DAYS,
    Ints,
    Panel,
    Tests,
    weeks_on,
)

FALSE_DISCOVERIES = 0.05
# Fewer returns than these raise nothing.
FEWEST_EVENTS = 4
# A change may have begun with any of so many stretches, up to half a year ago, or may have always been.
BEGINNINGS = 7
HALF_YEAR = 26  # weeks
# Variance of expected returns (about their number) at which a test can show that they have trebled. Tests of
# much less get hardly a part of the 5 %: most SKUs and lots sell too little to show anything.
ENOUGH = 10
# Tests to learn from how subjects differ and drift: those that can show most.
LEARNT_FROM = 600
# Stretches, before the oldest beginning, of which the drift is learnt: how they differ from those before.
RECENT = 3
NO_CUTS: Ints = np.empty(0, np.int64)
# Nights look at data that are mostly those of the night before. So many looks that are as good as new are
# made at one subject while its evidence comes: as many times as what it can show doubles.
LOOKS = 3
# Of a past night only tests are looked at whose evidence was once worth a hundredth of what one alone needs.
WORTH_A_LOOK = 0.01


@dataclass(frozen=True)
class Beginnings:
    """Weeks with which a change may have begun (None: it was always so), how likely each is beforehand, and
    what is known before and since; the first axis of both sides.
    """

    weeks: tuple[int | None, ...]
    chances: Floats
    before: Side
    since: Side


class Watch:
    """The tests of one panel that may stand, night by night."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        own = panel.events_of_tests()
        subject, outcome = np.nonzero(own >= FEWEST_EVENTS)
        self.tests = Tests.of(panel, subject, outcome)
        self._habits: dict[int, Habit] = {}
        self._weights: dict[int, Floats] = {}

    def some(self, chosen: Ints) -> Watch:
        """The same with fewer tests; what was learnt is shared."""
        found = Watch.__new__(Watch)
        found.panel, found.tests = self.panel, self.tests.some(chosen)
        found._habits, found._weights = self._habits, self._weights
        return found

    def evidence(self, day: int) -> Floats:
        """Of each test 1 / p on a night, as a logarithm, of the beginning that tells most."""
        if not len(self.tests.subject):
            return np.empty(0)
        return self.by_beginning(day, beginnings(self.tests, day)).max(axis=0)

    def by_beginning(self, day: int, found: Beginnings) -> Floats:
        """The same for each beginning (first axis) by itself, for how many beginnings and looks there are."""
        before = expected_before(found.before.in_rows, self.habit(day))
        evidence = log_evidence(before, found.since.in_rows).reshape(found.since.own.shape)
        evidence += np.log(found.chances / LOOKS)[:, None]
        return np.where(found.since.own >= FEWEST_EVENTS, evidence, -np.inf)

    def weight(self, day: int) -> Floats:
        """Part of the panel's 5 % that each test gets, as of Sunday; 0 where it could show nothing."""
        sunday = _last_sunday(day)
        if sunday not in self._weights:
            able = (self.panel.informed_on(sunday, since=weeks_on(sunday)[1] - HALF_YEAR) / ENOUGH) ** 2
            weight = able / (able + 1)
            self._weights[sunday] = weight / weight.sum() if weight.sum() > 0 else weight
        return self._weights[sunday][self.tests.subject, self.tests.outcome]

    def count(self, day: int) -> int:
        """Tests that could show anything on a night."""
        self.weight(day)
        return int((self._weights[_last_sunday(day)] > 0).sum())

    def habit(self, day: int) -> Habit:
        """How subjects differ and drift, learnt from what was known when the night's stretch began."""
        begun = FIRST_MONDAY + weeks_on(day)[1] // STRETCH_WEEKS * STRETCH_WEEKS * WEEK_DAYS - 1
        if begun not in self._habits:
            self._habits[begun] = _habit(self.panel, begun)
        return self._habits[begun]


def beginnings(tests: Tests, day: int) -> Beginnings:
    """When a change may have begun, seen from a night. A part of something is compared with the rest."""
    if tests.panel.parent is not None:
        whole, own = (side.before(1) for side in (_whole(tests, day, NO_CUTS), tests.known(day, NO_CUTS)))
        return Beginnings((None,), np.ones(1), whole.less(own).stacked(), own.stacked())
    weeks = _stretches(day, BEGINNINGS)
    # The first stretch is all that was before them: a change that began with it was always so.
    before, since = tests.known(day, weeks).at_each()
    chances = np.r_[1 - BEGINNINGS * 0.1, np.full(BEGINNINGS, 0.1)]
    return Beginnings((None, *map(int, weeks)), chances, before, since)


def _stretches(day: int, many: int) -> Ints:
    """First weeks of the last stretches of which a week has ended by a day."""
    newest = (weeks_on(day)[1] - 1) // STRETCH_WEEKS
    return np.arange(newest - many + 1, newest + 1) * STRETCH_WEEKS


def _whole(tests: Tests, day: int, cuts: Ints) -> Side:
    """What is known of the wholes that the subjects of tests are parts of, by stretch."""
    panel = tests.panel
    assert panel.parent is not None
    key = panel.parent_of[tests.subject] * panel.outcomes + tests.outcome
    wanted, row = np.unique(key, return_inverse=True)
    found = Tests.of(panel.parent, wanted // panel.outcomes, wanted % panel.outcomes).known(day, cuts)
    return Side(found.own[row], found.against[row])


def _habit(panel: Panel, day: int) -> Habit:
    """Learnt from the part of the year with which no change that is looked for can have begun."""
    oldest = int(_stretches(day, BEGINNINGS)[0])
    informed = panel.informed_on(day, before=oldest)
    most = np.argsort(-informed, axis=None, kind="stable")[:LEARNT_FROM]
    most = most[informed.reshape(-1)[most] > 0]
    tests = Tests.of(panel, most // panel.outcomes, most % panel.outcomes)
    cuts = np.array([oldest - RECENT * STRETCH_WEEKS, oldest])
    known = tests.known(day, cuts)
    if panel.parent is not None:
        whole, own = (side.before(2) for side in (_whole(tests, day, cuts), known))
        return learnt(whole, whole.less(own), own)
    return learnt(known.before(2), known.before(1), known.before(2).less(known.before(1)))


def _last_sunday(day: int) -> int:
    return weeks_on(day)[1] * WEEK_DAYS + FIRST_MONDAY - 1


@dataclass(frozen=True)
class Night:
    """What stands on a night: per watch the places of its tests; of each test its q-value, its evidence (the
    logarithm of 1 / p), and that times its part of the 5 %.
    """

    day: int
    stands: tuple[Ints, ...]
    q_values: tuple[Floats, ...]
    evidence: tuple[Floats, ...]
    log_worth: tuple[Floats, ...]
    tests: int

    @property
    def raises_any(self) -> bool:
        return any(len(found) for found in self.stands)


def night(watches: Sequence[Watch], day: int) -> Night:
    """Look at all tests of a night."""
    counts = [watch.count(day) for watch in watches]
    kinds, tests = sum(count > 0 for count in counts), sum(counts)
    evidence = tuple(watch.evidence(day) for watch in watches)
    with np.errstate(divide="ignore"):
        worth = tuple(
            part + np.log(watch.weight(day) / max(kinds, 1))
            for part, watch in zip(evidence, watches, strict=True)
        )
    ends = np.cumsum([len(part) for part in worth])
    q_values = tuple(np.split(adjusted(np.concatenate(worth), tests), ends[:-1]))
    stands = tuple(np.flatnonzero(part <= FALSE_DISCOVERIES) for part in q_values)
    return Night(day, stands, q_values, evidence, worth, tests)


def adjusted(log_worth: Floats, tests: int) -> Floats:
    """q-values, by Benjamini and Hochberg, of p-values that are weighted by parts that add up to 1.

    `log_worth` is the logarithm of part / p; `tests` counts also those not looked at.
    """
    if not len(log_worth):
        return np.empty(0)
    from scipy.stats import false_discovery_control

    p_values = np.exp(-np.maximum(log_worth + np.log(max(tests, len(log_worth))), 0.0))
    rest = np.ones(max(tests - len(p_values), 0))
    return np.asarray(false_discovery_control(np.concatenate([p_values, rest]))[: len(p_values)])


def nights(
    panels: Sequence[Panel], days: Sequence[int], looks: Sequence[int] = ()
) -> tuple[list[Watch], list[Night]]:
    """The nights of these days, in their order, and the watches that their places are of.

    Only tests are watched that are worth a look on the last of the days or on one of `looks`. Without these,
    and where nothing stands on the last of the days, only that one is looked at.
    """
    watches = [Watch(panel) for panel in panels]
    ever = [np.zeros(len(watch.tests.subject), bool) for watch in watches]
    is_all_asked = bool(looks)
    for day in {*looks, days[-1]}:
        found = night(watches, day)
        is_all_asked |= found.raises_any
        for place, worth in enumerate(found.log_worth):
            ever[place] |= worth >= np.log(WORTH_A_LOOK / FALSE_DISCOVERIES)
    hot = [watch.some(np.flatnonzero(chosen)) for watch, chosen in zip(watches, ever, strict=True)]
    return hot, [night(hot, day) for day in (days if is_all_asked else days[-1:])]
