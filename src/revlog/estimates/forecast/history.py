"""What is known of sales and returns, as arrays of days and units, and what was known of it on a day.

Days are counted from 1970-01-01 in the business time zone. Sites and categories are numbers: their places in
`History.sites` and `History.categories`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import psycopg

from revlog.companies.company import profile
from revlog.estimates.estimate import rows_of

Days = np.ndarray[Any, np.dtype[np.int64]]
Units = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Part = TypeVar("Part", bound="Events")

EPOCH = dt.date(1970, 1, 1)
# The day of what has not happened: later than any other.
NEVER = 10**7
# What is learnt from: a year, so that every season counts once, in whole weeks.
LEARNT_DAYS = 364


@dataclass(frozen=True)
class Events:
    """Rows as arrays of one length."""

    def where(self: Part, kept: Flags) -> Part:
        places = np.flatnonzero(kept)
        return replace(self, **{field.name: getattr(self, field.name)[places] for field in fields(self)})


@dataclass(frozen=True)
class Lines(Events):
    """Return lines that went the same way: units asked for, and those that came on the first day.

    Usual units are those from which is learnt: of a line no more than nearly all sales lines have.
    """

    site: Days
    category: Days
    shipped: Days
    asked: Days
    approved: Days
    scanned: Days
    received: Days
    ended: Days
    units: Units
    first_units: Units
    usual_units: Units
    usual_first_units: Units

    def usual(self) -> Lines:
        """Of each line the usual units only."""
        return replace(self, units=self.usual_units, first_units=self.usual_first_units)


@dataclass(frozen=True)
class Later(Events):
    """Units of a line that came after the day of its first receipt."""

    site: Days
    category: Days
    first_received: Days
    received: Days
    units: Units
    usual_units: Units

    def usual(self) -> Later:
        """The usual units only."""
        return replace(self, units=self.usual_units)


@dataclass(frozen=True)
class Receipts(Events):
    """Units that came to `site` from `ship_from_site`, and squares of the usual units of each receipt."""

    site: Days
    ship_from_site: Days
    category: Days
    received: Days
    units: Units
    usual_units: Units
    squared_units: Units


@dataclass(frozen=True)
class Sales(Events):
    """Usual units that were shipped."""

    site: Days
    category: Days
    shipped: Days
    units: Units


@dataclass(frozen=True)
class History:
    """All of it; `sites` ship or receive."""

    sites: tuple[str, ...]
    categories: tuple[str, ...]
    lines: Lines
    later: Later
    receipts: Receipts
    sales: Sales

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.sites), len(self.categories)


def read(connection: psycopg.Connection[Any], as_of: dt.date, days: int) -> History:
    """What core knows as of the date, of the `days` up to it."""
    usual = rows_of(connection, "forecast_usual", {"as_of": as_of})
    asked = {
        "as_of": as_of,
        "days": days,
        "zone": profile().time_zone,
        "months": usual["month"].tolist(),
        "most_units": [int(units) for units in usual["most_units"]],
    }
    names = ("lines", "later", "receipts", "sales")
    return history_of(*(rows_of(connection, f"forecast_{name}", asked) for name in names))


def history_of(
    lines: pd.DataFrame, later: pd.DataFrame, receipts: pd.DataFrame, sales: pd.DataFrame
) -> History:
    """The history that these rows tell; their columns are those of the queries."""
    frames = (lines, later, receipts, sales)
    shipping = pd.concat([*(frame["site"] for frame in frames), receipts["ship_from_site"]])
    sites = tuple(sorted(set(shipping)))
    categories = tuple(sorted(set(pd.concat([frame["product_category"] for frame in frames]))))
    codes = {"site": sites, "ship_from_site": sites, "product_category": categories}
    return History(
        sites,
        categories,
        Lines(**_arrays(lines, codes)),
        Later(**_arrays(later, codes)),
        Receipts(**_arrays(receipts, codes)),
        Sales(**_arrays(sales, codes)),
    )


def _arrays(frame: pd.DataFrame, codes: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Columns as arrays: places of names, days with NEVER for none, units as floats of whole numbers."""
    found: dict[str, Any] = {}
    for name, values in frame.items():
        column = str(name)
        if column in codes:
            place = {code: at for at, code in enumerate(codes[column])}
            array = values.map(place).to_numpy(dtype=np.int64)
        elif column.endswith("units"):
            array = values.to_numpy(dtype=np.float64)
        else:
            array = pd.to_numeric(values).fillna(NEVER).to_numpy(dtype=np.int64)
        found["category" if column == "product_category" else column] = array
    return found


def known_on(history: History, day: int) -> History:
    """What had happened by the end of a day, of the returns asked for in the year up to it."""
    lines = history.lines
    lines = lines.where((lines.asked <= day) & (lines.asked > day - LEARNT_DAYS))
    seen = {
        name: np.where(getattr(lines, name) <= day, getattr(lines, name), NEVER)
        for name in ("approved", "scanned", "received", "ended")
    }
    for name in ("first_units", "usual_first_units"):
        seen[name] = np.where(lines.received <= day, getattr(lines, name), 0.0)
    later, receipts, sales = history.later, history.receipts, history.sales
    return replace(
        history,
        lines=replace(lines, **seen),
        later=later.where((later.received <= day) & (later.first_received > day - LEARNT_DAYS)),
        receipts=receipts.where(receipts.received <= day),
        sales=sales.where(sales.shipped <= day),
    )


def tally(shape: tuple[int, ...], places: tuple[Days, ...], units: Units) -> Units:
    """Units by their places: an array of this shape."""
    if not len(units):
        return np.zeros(shape)
    size = int(np.prod(shape))
    found = np.bincount(np.ravel_multi_index(places, shape), weights=units, minlength=size)
    return found.astype(np.float64).reshape(shape)
