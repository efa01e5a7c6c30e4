"""Counts of one kind of question, from which those of any night can be read: what was shipped, and came back.

Days are counted from 1970-01-01, weeks from Monday 1970-01-05, stretches are four weeks long. A week counts
from its end on, for a year. So what a night may look at is decided by dates alone, and a past night can be
looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from revlog.estimates.quality.evidence import LOG_LEVELS, Floats, Side

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints = np.ndarray[Any, np.dtype[np.int64]]

FIRST_MONDAY = 4
WEEK_DAYS = 7
WEEKS_KEPT = 52
STRETCH_WEEKS = 4
FAR = 1_000_000  # a week that no date has


@dataclass(frozen=True)
class Panel:
    """Subjects of one kind among their peers, week by week.

    A cell is a subject in a stratum: a group of peers in a week of shipping (of receipt, where goods are
    judged). `share` is the cell's part of what its stratum shipped. Events are returns: the cell, for what
    (`outcome`), on which day, how many. Of a panel with a `parent`, each subject is a part of one of the
    parent's (`parent_of`), over the same strata and outcomes; a cell's share is of the whole stratum there
    too.
    """

    subjects: int
    outcomes: int
    stratum_week: Ints
    subject: Ints
    stratum: Ints
    share: Floats
    event_cell: Ints
    event_outcome: Ints
    event_day: Ints
    events: Floats
    parent: Panel | None = None
    parent_of: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @cached_property
    def event_week(self) -> Ints:
        """Week of each event's cell."""
        return self.stratum_week[self.stratum[self.event_cell]]

    @cached_property
    def event_place(self) -> Ints:
        """Each event's stratum and outcome, as one number."""
        return self.stratum[self.event_cell] * self.outcomes + self.event_outcome

    @cached_property
    def event_test(self) -> Ints:
        """Each event's subject and outcome, as one number."""
        return self.subject[self.event_cell] * self.outcomes + self.event_outcome

    def seen_on(self, day: int) -> Ints:
        """Events that count on a day: they have happened, and their week has ended within a year."""
        first, end = weeks_on(day)
        happened = int(np.searchsorted(self.event_day, day, side="right"))
        week = self.event_week[:happened]
        return np.flatnonzero((week >= first) & (week < end))

    def totals_on(self, day: int) -> Floats:
        """Events of each stratum and outcome that count on a day; of all, not of parts only."""
        if self.parent is not None:
            return self.parent.totals_on(day)
        seen = self.seen_on(day)
        size = len(self.stratum_week) * self.outcomes
        found = np.bincount(self.event_place[seen], self.events[seen], size)
        return np.asarray(found.reshape(len(self.stratum_week), self.outcomes))

    def events_of_tests(self) -> Floats:
        """All events of each subject and outcome, whenever."""
        found = np.bincount(self.event_test, self.events, self.subjects * self.outcomes)
        return np.asarray(found.reshape(self.subjects, self.outcomes))

    def informed_on(self, day: int, since: int = 0, before: int = FAR) -> Floats:
        """What each test could show on a day, of the weeks from one up to another: the variance of its own
        events under "as its peers", of which only shares and the events of all tell; shape (subjects,
        outcomes).
        """
        is_in = (self.stratum_week >= since) & (self.stratum_week < before)
        return np.asarray(self._spread @ (self.totals_on(day) * is_in[:, None]))

    @cached_property
    def _spread(self) -> csr_array:
        """Variance of each subject (row) that one event of a stratum (column) brings."""
        from scipy.sparse import csr_array

        begins = np.searchsorted(self.subject, np.arange(self.subjects + 1))
        shape = (self.subjects, len(self.stratum_week))
        return csr_array((self.share * (1 - self.share), self.stratum, begins), shape=shape)


def weeks_on(day: int) -> tuple[int, int]:
    """First week that counts on a day, and the first that doesn't any more; one that ends on it does."""
    end = (day + 1 - FIRST_MONDAY) // WEEK_DAYS
    return end - WEEKS_KEPT, end


@dataclass(frozen=True)
class Tests:
    """Some tests of a panel, each a subject and an outcome, with what their nights are counted from."""

    panel: Panel
    subject: Ints
    outcome: Ints
    _cell: Ints
    _week: Ints
    _place: Ints
    _begins: Ints
    _against: Floats

    @classmethod
    def of(cls, panel: Panel, subject: Ints, outcome: Ints) -> Tests:
        """The tests of these subjects and outcomes. Cells of a panel lie sorted by subject and week."""
        first = np.searchsorted(panel.subject, subject)
        counts = np.searchsorted(panel.subject, subject, side="right") - first
        begins = np.r_[0, counts.cumsum()]
        test = np.repeat(np.arange(len(subject)), counts)
        cell = np.arange(begins[-1]) - np.repeat(begins[:-1] - first, counts)
        used, at = np.unique(cell, return_inverse=True)
        against = np.log1p(np.expm1(LOG_LEVELS)[None, :] * panel.share[used][:, None])
        place = panel.stratum[cell] * panel.outcomes + outcome[test]
        return cls(
            panel, subject, outcome, at, panel.stratum_week[panel.stratum[cell]], place, begins, against
        )

    def some(self, chosen: Ints) -> Tests:
        """The same with fewer tests."""
        return Tests.of(self.panel, self.subject[chosen], self.outcome[chosen])

    def known(self, day: int, cuts: Ints) -> Side:
        """What is known on a day by stretches, that begin with these weeks, and of what was before the first
        of them.

        Shapes (tests, cuts + 1) and (tests, cuts + 1, levels).
        """
        from scipy.sparse import csr_array

        many = len(cuts) + 1
        totals = self.panel.totals_on(day).reshape(-1)[self._place]
        stretch = np.searchsorted(cuts, self._week, side="right")
        row = np.repeat(np.arange(len(self.subject)), np.diff(self._begins)) * many + stretch
        begins = np.searchsorted(row, np.arange(len(self.subject) * many + 1))
        shape = (len(self.subject) * many, len(self._against))
        found = csr_array((totals, self._cell, begins), shape=shape) @ self._against
        return Side(self._own(day, cuts), found.reshape(len(self.subject), many, len(LOG_LEVELS)))

    def _own(self, day: int, cuts: Ints) -> Floats:
        """Own events of each test by stretch."""
        many = len(cuts) + 1
        row = np.full(self.panel.subjects * self.panel.outcomes, -1)
        row[self.subject * self.panel.outcomes + self.outcome] = np.arange(len(self.subject))
        seen = self.panel.seen_on(day)
        test = row[self.panel.event_test[seen]]
        is_ours = test >= 0
        seen, test = seen[is_ours], test[is_ours]
        stretch = np.searchsorted(cuts, self.panel.event_week[seen], side="right")
        found = np.bincount(test * many + stretch, self.panel.events[seen], len(self.subject) * many)
        return np.asarray(found.reshape(len(self.subject), many))
