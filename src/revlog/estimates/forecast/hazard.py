"""Chances of the next step by days stood at a place and by day of the week.

A chance is that of the age times that of the weekday (a proportional hazard): what comes to a dock that is
closed on Sundays comes on Mondays, and the goods that wait on a Sunday are more than on other days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlog.estimates.forecast.history import Days, Units, tally

HORIZON = 28
# A return that has stood longer at one place is not expected any more.
LONGEST_STAY = 180
AGES = LONGEST_STAY + 1
# Units of all sites beside those of a site, for the chance of an age; units expected on a weekday beside
# those of a site, and units beside those of all, for which all days are alike.
BORROWED, BORROWED_WEEKDAY = 50.0, 30.0
ROUNDS = 3


@dataclass(frozen=True)
class Hazard:
    """`by_age` (sites, ages, to) times `by_weekday` (sites, to, 7; day 0 was a Thursday)."""

    by_age: Units
    by_weekday: Units

    def of_all_ages(self, day: int) -> Units:
        """Chance to go to each place on each day ahead, by site and age now: (sites, ages, horizon, to)."""
        sites, _, places = self.by_age.shape
        found = np.zeros((sites, AGES, HORIZON, places))
        standing = np.ones((sites, AGES))
        for ahead in range(1, HORIZON + 1):
            chance = np.zeros_like(self.by_age)
            chance[:, : AGES - ahead] = self.by_age[:, ahead:] * self._on(day + ahead)
            found[:, :, ahead - 1], standing = _step(chance, standing)
        return found

    def of_newcomers(self) -> Units:
        """The same of who comes to the place on a day of each weekday: (sites, 7, horizon, to)."""
        sites, _, places = self.by_age.shape
        found = np.zeros((sites, 7, HORIZON, places))
        standing = np.ones((sites, 7))
        weekdays = np.arange(7)
        for ahead in range(1, HORIZON + 1):
            on = self.by_weekday[:, :, (weekdays + ahead) % 7].transpose(0, 2, 1)
            chance = self.by_age[:, ahead, None, :] * on
            found[:, :, ahead - 1], standing = _step(chance, standing)
        return found

    def _on(self, day: int) -> Units:
        return self.by_weekday[:, None, :, day % 7]


def _step(chance: Units, standing: Units) -> tuple[Units, Units]:
    """What goes today of what stands, and what stands then; no more goes than stands."""
    of_all = chance.sum(axis=-1, keepdims=True)
    chance = chance / np.maximum(of_all, 1.0)
    return standing[..., None] * chance, standing * (1 - np.minimum(of_all[..., 0], 1.0))


def learn_hazard(at_risk: Units, by_age: Units, by_weekday: Units) -> Hazard:
    """From units at risk (sites, ages, 7) and those that went, by age (.., to) and weekday (.., 7, to)."""
    risk, ages, days = at_risk.sum(axis=0), by_age.sum(axis=0), by_weekday.sum(axis=0)
    weekday = np.ones((7, ages.shape[1]))
    for _ in range(ROUNDS):
        age = ages / np.maximum(risk @ weekday, 1.0)
        weekday = (days + BORROWED_WEEKDAY) / (risk.T @ age + BORROWED_WEEKDAY)
    of_age = (by_age + BORROWED * age) / (at_risk @ weekday + BORROWED)
    expected = at_risk.transpose(0, 2, 1) @ of_age
    of_weekday = (by_weekday + BORROWED_WEEKDAY * weekday) / (expected + BORROWED_WEEKDAY)
    return Hazard(of_age, of_weekday.transpose(0, 2, 1))


def risked(site: Days, since: Days, days: Days, units: Units, sites: int) -> Units:
    """Units at risk on each day after `since`, for so many days: by site, age and weekday."""
    stood = tally((sites, 7, AGES), (site, since % 7, days), units)[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    ages = np.arange(AGES)[:, None]
    found = stood[:, (np.arange(7) - ages) % 7, ages]
    found[:, 0] = 0
    return found
