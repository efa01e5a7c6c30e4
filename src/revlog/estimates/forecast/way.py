"""The way of a return from its request to the dock: by its own hazard of each next step.

At the end of a day a return that has not come is requested, approved or handed to the carrier. Each day it
may go on, come, or end (declined, cancelled, kept); the chance depends on where it stands and for how many
days it has stood there (a semi-Markov chain in days). Chances are learnt from all lines that had stood as
long, those still standing there included (censored, not dropped), and of a site as far as its own lines
tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revlog.estimates.forecast.hazard import AGES, HORIZON, LONGEST_STAY, Hazard, learn_hazard, risked
from revlog.estimates.forecast.history import Days, Flags, Later, Lines, Units, tally

# Places at the end of a day, in the order of the way.
REQUESTED, APPROVED, UNDER_WAY, ARRIVED, ENDED = range(5)
WAITING = (REQUESTED, APPROVED, UNDER_WAY)
# Units of all sites beside those of a site, for where new returns begin.
BORROWED = 10.0


@dataclass(frozen=True)
class Way:
    """Units that arrive, of one unit that stands at a place.

    `by_age[place]` (sites, ages, horizon): of a unit that has stood there for so many days, what comes on
    each of the days ahead. `of_rest` (ages, horizon): the same of a unit that did not come with the first
    of its line, by days since that. `of_asked` (sites, horizon, horizon): of a unit that is asked for on a
    day ahead, what comes on each.
    """

    by_age: list[Units]
    of_rest: Units
    of_asked: Units


def learn(lines: Lines, later: Later, day: int, sites: int) -> Way:
    """The way as it was known at the end of a day."""
    hazards = [_hazard(lines, place, day, sites) for place in WAITING]
    rest = _rest_hazard(lines, later, day)
    whole = _with_rests(_share_of_first(lines), rest.of_newcomers()[0, :, :, 0], day)
    new = [firsts @ whole for firsts in _of_newcomers(hazards, day)]
    standing = [hazard.of_all_ages(day) for hazard in hazards]
    by_age = [goes[..., ARRIVED] @ whole for goes in standing]
    for place, goes in enumerate(standing):
        for onward in range(place + 1, ARRIVED):
            by_age[place] += goes[..., onward] @ new[onward]
    return Way(by_age, rest.of_all_ages(day)[0, :, :, 0], _of_asked(lines, new, day, sites))


def still_to_come(
    way: Way, lines: Lines, later: Later, day: int, shape: tuple[int, int]
) -> tuple[Units, Units]:
    """Units under way that arrive on each day ahead, by site that shipped and category, and their squares.

    The squares, by site and week ahead, are the sum over units of the squared chance to come in that week:
    what the variance of their number lacks to its mean, since each either comes or doesn't.
    """
    came = np.zeros((*shape, HORIZON))
    squares = np.zeros((shape[0], HORIZON // 7))
    for place in WAITING:
        since, until = stay(lines, place)
        here = (since <= day) & (until > day)
        units = _by_age(lines.where(here), (day - since)[here], lines.units[here], shape)
        came += units @ way.by_age[place]
        squares += np.einsum("sa,saw->sw", units.sum(axis=1), weekly(way.by_age[place]) ** 2)
    rests = _rests(lines, later, day, shape)
    came += rests @ way.of_rest
    squares += rests.sum(axis=1) @ weekly(way.of_rest) ** 2
    return came, squares


def weekly(daily: Units) -> Units:
    """Sums of the weeks of the last axis."""
    return daily.reshape(*daily.shape[:-1], -1, 7).sum(axis=-1)


def stay(lines: Lines, place: int) -> tuple[Days, Days]:
    """First day at whose end a line stands at the place, and the first at whose end it no longer does."""
    left = np.minimum(lines.received, lines.ended)
    if place == UNDER_WAY:
        return lines.scanned, left
    left = np.minimum(left, lines.scanned)
    if place == APPROVED:
        return lines.approved, left
    return lines.asked, np.minimum(left, lines.approved)


def place_on(lines: Lines, at: Days, day: Days) -> Days:
    """Where the lines at these places stand at the end of a day each."""
    found = np.full(len(at), REQUESTED)
    happened = ((lines.approved, APPROVED), (lines.scanned, UNDER_WAY), (lines.ended, ENDED))
    for on, place in (*happened, (lines.received, ARRIVED)):
        found[on[at] <= day] = place
    return found


def _hazard(lines: Lines, place: int, day: int, sites: int) -> Hazard:
    """Chance to be at each other place at the end of a day."""
    since, until = stay(lines, place)
    stood = np.flatnonzero((since < until) & (since <= day))
    site, units, since, until = lines.site[stood], lines.units[stood], since[stood], until[stood]
    days = np.minimum(np.minimum(until, day) - since, LONGEST_STAY)
    at_risk = risked(site, since, days, units, sites)
    went = np.flatnonzero((until <= day) & (until - since <= LONGEST_STAY))
    site, units, since, on = site[went], units[went], since[went], until[went]
    to = place_on(lines, stood[went], on)
    by_age = tally((sites, AGES, 5), (site, on - since, to), units)
    return learn_hazard(at_risk, by_age, tally((sites, 7, 5), (site, on % 7, to), units))


def _of_newcomers(hazards: list[Hazard], day: int) -> list[Units]:
    """Chance of the first receipt: place, site, day ahead of coming to the place, and of the receipt."""
    found: dict[int, Units] = {}
    for place in reversed(WAITING):
        goes = hazards[place].of_newcomers()
        found[place] = _from_days(goes[..., ARRIVED], day)
        for onward in range(place + 1, ARRIVED):
            found[place] += _from_days(goes[..., onward], day) @ found[onward]
    return [found[place] for place in WAITING]


def _from_days(by_weekday: Units, day: int) -> Units:
    """What goes, by weekday of coming (.., 7, horizon), as a matrix: days of coming by those of going."""
    matrix = np.zeros((*by_weekday.shape[:-2], HORIZON, HORIZON))
    for came in range(HORIZON - 1):
        matrix[..., came, came + 1 :] = by_weekday[..., (day + 1 + came) % 7, : HORIZON - 1 - came]
    return matrix


def _with_rests(share: float, of_rest: Units, day: int) -> Units:
    """First receipts by day become units by day: a share comes at once, the rest in its own time."""
    return share * np.eye(HORIZON) + (1 - share) * _from_days(of_rest, day)


def _share_of_first(lines: Lines) -> float:
    """Of a line's units, the share that comes with the first receipt, where a request came before it."""
    came = (lines.received > lines.asked) & (lines.first_units > 0)
    units = lines.units[came].sum()
    return float(min(lines.first_units[came].sum() / units, 1.0)) if units else 1.0


def _rest_hazard(lines: Lines, later: Later, day: int) -> Hazard:
    """Chance that a unit which did not come with the first comes so many days after it, of all sites."""
    left = lines.where((lines.first_units > 0) & (lines.units > lines.first_units))
    all_of = np.zeros_like(left.site)
    days = np.minimum(day - left.received, LONGEST_STAY)
    at_risk = risked(all_of, left.received, days, left.units - left.first_units, 1)
    after = later.received - later.first_received
    seen = after <= LONGEST_STAY
    came, after = later.where(seen), after[seen]
    all_of = np.zeros_like(came.site)
    until = np.minimum(day - came.first_received, LONGEST_STAY)
    gone = [risked(all_of, came.first_received, days, came.units, 1) for days in (until, after)]
    at_risk = np.maximum(at_risk - (gone[0] - gone[1]), 0)
    by_age = tally((1, AGES, 1), (all_of, after, all_of), came.units)
    return learn_hazard(at_risk, by_age, tally((1, 7, 1), (all_of, came.received % 7, all_of), came.units))


def _rests(lines: Lines, later: Later, day: int, shape: tuple[int, int]) -> Units:
    """Units that did not come with the first, and have not come since, by days since it."""
    left = (lines.first_units > 0) & (day - lines.received <= LONGEST_STAY)
    rest = np.maximum(lines.units - lines.first_units, 0)[left]
    open_units = _by_age(lines.where(left), (day - lines.received)[left], rest, shape)
    recent = later.where(day - later.first_received <= LONGEST_STAY)
    came = _by_age(recent, day - recent.first_received, recent.units, shape)
    return np.maximum(open_units - came, 0)


def _by_age(rows: Lines | Later, age: Days, units: Units, shape: tuple[int, int]) -> Units:
    recent: Flags = age <= LONGEST_STAY
    return tally((*shape, AGES), (rows.site[recent], rows.category[recent], age[recent]), units[recent])


def _of_asked(lines: Lines, new: list[Units], day: int, sites: int) -> Units:
    """Arrivals of what is asked for, by what stands at each place at the end of that day and its weekday."""
    stands = tally((sites, 5), (lines.site, _asked_at(lines)), lines.units)
    of_all = stands.sum(axis=0) / max(stands.sum(), 1.0)
    share = (stands + BORROWED * of_all) / (stands.sum(axis=1, keepdims=True) + BORROWED)
    weekdays = _weekdays_of_asking(lines, day)[:, (day + np.arange(1, HORIZON + 1)) % 7]
    share = share[:, :, None] * weekdays[None]
    found = share[:, ARRIVED, :, None] * np.eye(HORIZON)
    for place in WAITING:
        found += share[:, place, :, None] * new[place]
    return found


def _asked_at(lines: Lines) -> Days:
    """Where each line stands at the end of the day on which it was asked for."""
    return place_on(lines, np.arange(len(lines.asked)), lines.asked)


def _weekdays_of_asking(lines: Lines, day: int) -> Units:
    """What a weekday of whole weeks brings against the mean of all seven, by place at its end: (5, 7)."""
    weeks = (day - int(lines.asked.min(initial=day)) + 1) // 7
    lines = lines.where(lines.asked > day - 7 * weeks)
    units = tally((5, 7), (_asked_at(lines), lines.asked % 7), lines.units)
    return 7 * (units + BORROWED) / (units.sum(axis=1, keepdims=True) + 7 * BORROWED)
