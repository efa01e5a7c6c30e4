"""Rows of `estimates.return_forecast`: days and weeks ahead, and the weeks of the back-test."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from revlog.estimates.forecast.backtest import FEWEST_DAYS, LEVELS, BackTest, back_test, first_received
from revlog.estimates.forecast.hazard import HORIZON
from revlog.estimates.forecast.history import EPOCH, LEARNT_DAYS, Flags, History, Units, tally
from revlog.estimates.forecast.origin import PARTS, expected_after, repeated
from revlog.estimates.forecast.spread import NAIVE_TWICE, WEEKS, coming_together, interval
from revlog.estimates.forecast.way import weekly

COLUMNS = (
    "origin_on", "site", "product_category", "starts_on", "days", "week_ahead",
    *(f"{part}_units" for part in PARTS), "expected_units", "low_80", "high_80", "low_95", "high_95",
    "labour_minutes", "storage_unit_days", "naive_units", "actual_units", "method", "reason",
)  # fmt: skip
BOUNDS = ("low_80", "high_80", "low_95", "high_95")
# Fewer units in the last weeks, or fewer origins whose fourth week has passed, say nothing of a site.
FEWEST_UNITS, FEWEST_ORIGINS = 20, 4
# A category that is expected to bring less to a site in all of the weeks is no row.
LEAST_EXPECTED = 0.01
# Units of all goods beside those of a site's category, of which the work is learnt.
BORROWED_WORK = 20.0
DIGITS = 4

NO_RECEIPT = "no receipt has come yet, so that nobody can say"
TOO_YOUNG = f"the site has received for fewer than {FEWEST_DAYS} days"
TOO_FEW = f"fewer than {FEWEST_UNITS} units came in the last {FEWEST_DAYS} days"
UNTESTED = f"fewer than {FEWEST_ORIGINS} origins of a whole four weeks to test the model on"
NO_BETTER = "the model was no better than the naive forecast in its back-test"


@dataclass(frozen=True)
class Choice:
    """Why a site gets the naive forecast; empty where it gets the model's."""

    reasons: tuple[str, ...]

    @property
    def is_naive(self) -> Flags:
        return np.array([bool(reason) for reason in self.reasons], dtype=bool)


def forecast_rows(history: History, work: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """All rows; `work` has the columns of sql/forecast_work.sql."""
    day = (as_of - EPOCH).days
    if not len(history.receipts.units):
        return _table(_unknown(history, day))
    tested = back_test(history, day)
    ahead = _ahead(history, work, tested, day)
    return _table([*ahead, *_tested(history, tested, day)])


def _table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table with every column; whole numbers stay whole where others are missing."""
    parts = [part for part in parts if len(part)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    found = found.reindex(columns=list(COLUMNS))
    whole = dict.fromkeys((*BOUNDS, "days", "week_ahead"), "Int64")
    return found.astype(whole)


def _unknown(history: History, day: int) -> list[pd.DataFrame]:
    """Without any receipt: rows that say so, for what was sold at each site."""
    sales = history.sales
    sold: Flags = tally(history.shape, (sales.site, sales.category), sales.units) > 0
    told = {"method": "none", "reason": NO_RECEIPT}
    found = []
    for span, cells in ((1, sold), (7, _of_site(sold))):
        rows = _keys(history, np.broadcast_to(cells[..., None], (*cells.shape, HORIZON // span)), day, span)
        found.append(rows.assign(**told))
    return found


def _keys(history: History, kept: Flags, day: int, span: int) -> pd.DataFrame:
    """Keys of the cells kept, by site, category (of days only) and place ahead."""
    places = np.nonzero(kept)
    starts = day + 1 + span * places[-1]
    category = np.array(history.categories, dtype=object)[places[1]] if span == 1 else None
    return pd.DataFrame(
        {
            "origin_on": EPOCH + dt.timedelta(days=day),
            "site": np.array(history.sites, dtype=object)[places[0]],
            "product_category": category,
            "starts_on": [EPOCH + dt.timedelta(days=int(start)) for start in starts],
            "days": span,
            "week_ahead": 1 + span * places[-1] // 7,
        }
    )


def _of_site(cells: Flags) -> Flags:
    """Sites of which any category is."""
    return np.asarray(cells.any(axis=1), dtype=bool)


# -- what is ahead ---------------------------------------------------------------------------------


def _ahead(history: History, work: pd.DataFrame, tested: BackTest, day: int) -> list[pd.DataFrame]:
    """Days by site and category, and weeks by site, which are their sums."""
    model, naive = expected_after(history, day), repeated(history, day)
    choice, spread, usual = choose(history, tested, day), tested.spread_on(day), _usual(history, day)
    kept = _cells(history, np.where(choice.is_naive[:, None, None], naive, model.daily), day)
    days = _amounts(np.where(kept[..., None], model.parts, 0), naive, choice)
    for name, each in zip(("labour", "storage"), work_of_unit(history, work), strict=True):
        days[name] = np.round(days["expected"] * each[:, :, None], DIGITS)
    weeks = {name: weekly(values.sum(axis=1)) for name, values in days.items()}
    variance = spread.of_weeks(weeks["expected"], model.squares)
    strays = NAIVE_TWICE * coming_together(history.receipts, day)
    of_days = _bounds(days["expected"], spread.of_days(days["expected"]), usual, choice, strays)
    of_weeks = _bounds(weeks["expected"], variance, weekly(usual.sum(axis=1)), choice, strays)
    return [
        _span(history, days, of_days, choice, kept, day, 1),
        _span(history, weeks, of_weeks, choice, _of_site(kept), day, 7),
    ]


def _amounts(parts: Units, naive: Units, choice: Choice) -> dict[str, Units]:
    """Units by part, in all and naive; the naive forecast has no parts."""
    parts = parts.round(DIGITS)
    parts[:, choice.is_naive] = np.nan
    units = np.where(choice.is_naive[:, None, None], naive, parts.sum(axis=0)).round(DIGITS)
    return {**dict(zip(PARTS, parts, strict=True)), "expected": units, "naive": naive}


def choose(history: History, tested: BackTest, day: int) -> Choice:
    """For each site the first thing that speaks against the model."""
    receipts = history.receipts
    recent = receipts.where((receipts.received > day - FEWEST_DAYS) & (receipts.received <= day))
    units = tally((len(history.sites),), (recent.site,), recent.units)
    scored = tested.scored(day)
    whole = scored[:, :, WEEKS - 1].sum(axis=0)
    errors = [
        np.where(scored, np.abs(forecast - tested.actual), 0).sum(axis=(0, 2))
        for forecast in (tested.expected, tested.naive)
    ]
    speaks = (
        (first_received(history) > day - FEWEST_DAYS, TOO_YOUNG),
        (units < FEWEST_UNITS, TOO_FEW),
        (whole < FEWEST_ORIGINS, UNTESTED),
        (errors[0] >= errors[1], NO_BETTER),
    )
    sites = range(len(history.sites))
    return Choice(tuple(next((why for found, why in speaks if found[site]), "") for site in sites))


def _cells(history: History, units: Units, day: int) -> Flags:
    """Sites and categories that goods came of within a year, or are expected."""
    receipts = history.receipts
    recent = receipts.where((receipts.received > day - LEARNT_DAYS) & (receipts.received <= day))
    came = tally(history.shape, (recent.site, recent.category), recent.units) > 0
    kept: Flags = came | (units.sum(axis=2) >= LEAST_EXPECTED)
    return kept


def _usual(history: History, day: int) -> Units:
    """Mean units of a day of the last weeks, by site, category and day ahead: the naive strays around it."""
    receipts = history.receipts
    days = min(FEWEST_DAYS, day - int(receipts.received.min()) + 1)
    recent = receipts.where((receipts.received > day - days) & (receipts.received <= day))
    mean = tally(history.shape, (recent.site, recent.category), recent.usual_units) / days
    return np.repeat(mean[:, :, None], HORIZON, axis=2)


def _bounds(units: Units, variance: Units, usual: Units, choice: Choice, strays: float) -> dict[str, Units]:
    """The four bounds; the naive forecast strays around what is usual, and stands within its own."""
    naive = np.broadcast_to(choice.is_naive.reshape(-1, *[1] * (units.ndim - 1)), units.shape)
    mean = np.where(naive, np.maximum(units, usual), units)
    variance = np.where(naive, strays * mean, variance)
    found = {}
    for level in LEVELS:
        low, high = interval(mean, variance, level)
        found[f"low_{level:.0%}".rstrip("%")] = np.where(naive, np.minimum(low, units), low)
        found[f"high_{level:.0%}".rstrip("%")] = np.where(naive, np.maximum(high, units), high)
    return found


def _span(
    history: History,
    amounts: dict[str, Units],
    bounds: dict[str, Units],
    choice: Choice,
    cells: Flags,
    day: int,
    span: int,
) -> pd.DataFrame:
    """Rows of the cells kept, for spans of so many days."""
    kept = np.broadcast_to(cells[..., None], amounts["expected"].shape)
    rows = _keys(history, kept, day, span)
    names = {part: f"{part}_units" for part in (*PARTS, "expected", "naive")}
    names |= {"labour": "labour_minutes", "storage": "storage_unit_days"}
    for name, column in names.items():
        rows[column] = np.round(amounts[name][kept], DIGITS)
    for bound, values in bounds.items():
        rows[bound] = values[kept]
    site = np.nonzero(kept)[0]
    rows["reason"] = np.array([reason or None for reason in choice.reasons], dtype=object)[site]
    rows["method"] = np.where(choice.is_naive, "naive", "model")[site]
    return rows


def work_of_unit(history: History, work: pd.DataFrame) -> tuple[Units, Units]:
    """Minutes of labour and days in storage of a unit, by site and category; nan where nobody tells."""
    site = {name: at for at, name in enumerate(history.sites)}
    category = {name: at for at, name in enumerate(history.categories)}
    known = work[work["site"].isin(site) & work["product_category"].isin(category)]
    places: Any = (
        known["site"].map(site).to_numpy(dtype=np.int64),
        known["product_category"].map(category).to_numpy(dtype=np.int64),
    )
    told = {
        name: tally(history.shape, places, known[name].fillna(0).to_numpy(dtype=np.float64))
        for name in ("settled_units", "minutes", "gone_units", "unit_days")
    }
    return _of_unit(told["minutes"], told["settled_units"]), _of_unit(told["unit_days"], told["gone_units"])


def _of_unit(amount: Units, units: Units) -> Units:
    """Amount of a unit; of few units as far as they tell. Nan where no unit or no amount is known at all."""
    if units.sum() <= 0 or amount.sum() <= 0:
        return np.full(units.shape, np.nan)
    of_all = amount.sum() / units.sum()
    return (amount + BORROWED_WORK * of_all) / (units + BORROWED_WORK)


# -- what was ------------------------------------------------------------------------------------


def _tested(history: History, tested: BackTest, day: int) -> list[pd.DataFrame]:
    """Weeks of the back-test by origin and site, with the intervals that would have been given then."""
    scored = tested.scored(day)
    found = []
    for at, origin in enumerate(tested.origins):
        kept = scored[at]
        if not kept.any():
            continue
        rows = _keys(history, kept, origin, 7)
        rows["expected_units"] = np.round(tested.expected[at][kept], DIGITS)
        rows["naive_units"] = tested.naive[at][kept]
        rows["actual_units"] = tested.actual[at][kept]
        for bound, values in zip(BOUNDS, (b for pair in tested.intervals(at) for b in pair), strict=True):
            rows[bound] = values[kept]
        found.append(rows.assign(method="model"))
    return found
