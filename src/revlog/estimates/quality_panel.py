"""Counts of one kind of question, such that any night's can be read from them: who was shipped, and who came back.

Days are counted from 1970-01-01, weeks from Monday 1970-01-05, stretches are four weeks long. A week counts from its
end on, for a year. So what a night may look at is decided by dates alone, and a past night can be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revlog.estimates.quality_evidence import LOG_LEVELS, Floats, Side

Ints = np.ndarray[Any, np.dtype[np.int64]]

FIRST_MONDAY = 4
WEEK_DAYS = 7
WEEKS_KEPT = 52
STRETCH_WEEKS = 4


@dataclass(frozen=True)
class Panel:
    """Subjects of one kind among their peers, week by week.

    A cell is a subject in a stratum: a group of peers in a week of shipping (of receipt, where goods are judged).
    `share` is the cell's part of what its stratum shipped. Events are returns: the cell, for what (`outcome`), on
    which day, how many. Of a panel with a `parent`, each subject is a part of one of the parent's (`parent_of`),
    over the same strata and outcomes; a cell's share is of the whole stratum there too.
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

    def weeks_on(self, day: int) -> tuple[int, int]:
        """First week that counts on a day, and the first that doesn't any more."""
        end = (day + 1 - FIRST_MONDAY) // WEEK_DAYS
        return end - WEEKS_KEPT, end

    def counts_on(self, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which strata count on a day."""
        first, end = self.weeks_on(day)
        return np.asarray((self.stratum_week >= first) & (self.stratum_week < end))

    def totals_on(self, day: int) -> Floats:
        """Events of each stratum and outcome up to a day, in the weeks that count on it; of all, not of parts only."""
        if self.parent is not None:
            return self.parent.totals_on(day)
        seen = self.seen_on(day)
        place = self.stratum[self.event_cell[seen]] * self.outcomes + self.event_outcome[seen]
        size = len(self.stratum_week) * self.outcomes
        found = np.bincount(place, self.events[seen], size)
        return np.asarray(found.reshape(-1, self.outcomes))

    def seen_on(self, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which events count on a day."""
        return np.asarray((self.event_day <= day) & self.counts_on(day)[self.stratum[self.event_cell]])

    def own_on(self, day: int) -> Floats:
        """Events of each subject and outcome on a day, shape (subjects, outcomes)."""
        seen = self.seen_on(day)
        place = self.subject[self.event_cell[seen]] * self.outcomes + self.event_outcome[seen]
        found = np.bincount(place, self.events[seen], self.subjects * self.outcomes)
        return np.asarray(found.reshape(-1, self.outcomes))

    def informed_on(self, day: int, weeks: int = WEEKS_KEPT) -> Floats:
        """What each test could show on a day, of the last weeks: the variance of its own events under "as its
        peers", of which only shares and the events of all tell; shape (subjects, outcomes)."""
        recent = self.stratum_week >= self.weeks_on(day)[1] - weeks
        totals, spread = self.totals_on(day) * recent[:, None], self.share * (1 - self.share)
        return np.stack(
            [
                np.bincount(self.subject, spread * totals[self.stratum, outcome], self.subjects)
                for outcome in range(self.outcomes)
            ],
            axis=1,
        )


@dataclass(frozen=True)
class Tests:
    """Some tests of a panel, a test being a subject and an outcome, with what their nights are counted from."""

    panel: Panel
    subject: Ints
    outcome: Ints
    stretches: tuple[int, int]
    _cell: Ints
    _outcome: Ints
    _begins: Ints
    _against: Floats

    @classmethod
    def of(cls, panel: Panel, subject: Ints, outcome: Ints) -> Tests:
        """The tests of these subjects and outcomes. Cells of a panel lie sorted by subject and week."""
        first = np.searchsorted(panel.subject, subject)
        counts = np.searchsorted(panel.subject, subject, side="right") - first
        test = np.repeat(np.arange(len(subject)), counts)
        cell = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts) + first[test]
        stretch = panel.stratum_week // STRETCH_WEEKS
        stretches = (int(stretch.min()), int(stretch.max()) + 1) if len(stretch) else (0, 1)
        place = test * (stretches[1] - stretches[0]) + stretch[panel.stratum[cell]] - stretches[0]
        begins = np.searchsorted(place, np.arange(len(subject) * (stretches[1] - stretches[0]) + 1))
        used, at = np.unique(cell, return_inverse=True)
        against = np.log1p(np.expm1(LOG_LEVELS)[None, :] * panel.share[used][:, None])
        return cls(panel, subject, outcome, stretches, at, panel.stratum[cell] * panel.outcomes + outcome[test], begins, against)

    def some(self, chosen: Ints) -> Tests:
        """The same with fewer tests."""
        return Tests.of(self.panel, self.subject[chosen], self.outcome[chosen])

    def by_stretch(self, day: int) -> Side:
        """What is known on a day, shapes (tests, stretches) and (tests, stretches, levels)."""
        from scipy.sparse import csr_array

        many = self.stretches[1] - self.stretches[0]
        totals = self.panel.totals_on(day).reshape(-1)[self._outcome]
        shape = (len(self._begins) - 1, len(self._against))
        found = csr_array((totals, self._cell, self._begins), shape=shape) @ self._against
        return Side(self._own(day, many), found.reshape(len(self.subject), many, len(LOG_LEVELS)))

    def _own(self, day: int, many: int) -> Floats:
        """Own events of each test by stretch."""
        panel = self.panel
        row = np.full(panel.subjects * panel.outcomes, -1)
        row[self.subject * panel.outcomes + self.outcome] = np.arange(len(self.subject))
        seen = np.flatnonzero(panel.seen_on(day))
        cell = panel.event_cell[seen]
        test = row[panel.subject[cell] * panel.outcomes + panel.event_outcome[seen]]
        stretch = panel.stratum_week[panel.stratum[cell]] // STRETCH_WEEKS - self.stretches[0]
        is_ours = test >= 0
        place = test[is_ours] * many + stretch[is_ours]
        found = np.bincount(place, panel.events[seen][is_ours], len(self.subject) * many)
        return np.asarray(found.reshape(-1, many))
