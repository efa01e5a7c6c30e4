"""A company as counts: what it ships and what comes back, drawn from a seed, with what is planted in it.

Made without the product's code. SKUs differ from each other and drift from month to month, by reason; they
sell by season, and in some months all of them come back more; a return is told days to weeks after its
shipping.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

FIRST_DAY = dt.date(2021, 1, 4)  # a Monday
FIRST = (FIRST_DAY - dt.date(1970, 1, 1)).days
# Of an order of a SKU, how often it comes back for what.
REASONS = {
    "DEFECTIVE": 0.020, "MISSING_PARTS": 0.005, "DAMAGED_IN_TRANSIT": 0.010, "NOT_AS_DESCRIBED": 0.014,
    "WRONG_ITEM": 0.006, "SIZE_TOO_SMALL": 0.020, "SIZE_TOO_LARGE": 0.016, "CHANGED_MIND": 0.040,
}  # fmt: skip
VENDOR_FAULT = ("DEFECTIVE", "MISSING_PARTS")
# Of a receipt, how often it is graded so, and how often the inspector finds that the way back damaged it.
GRADES = {"REPAIRABLE": 0.12, "SALVAGE": 0.05, "SCRAP": 0.02}
DAMAGED_BACK = {"DAMAGED_IN_TRANSIT": 0.03}
SIZES, CATEGORIES, VENDORS, SITES, CARRIERS = 4, 6, 5, 3, 4
MONTH = 28
PRODUCT = ["sku", "lot_no", "style", "size", "vendor_id", "product_category", "week"]
DOCK = ["site", "carrier", "product_category", "week", "day", "grade", "is_damaged"]


@dataclass(frozen=True)
class Plant:
    """What gets worse: from `day` on, `outcomes` come `ratio` times as often where all of `where` holds."""

    where: dict[str, object]
    outcomes: tuple[str, ...]
    ratio: float
    day: int = 0


@dataclass(frozen=True)
class Shop:
    """Its size, and how unlike its SKUs are, from each other and from month to month, in log rates."""

    seed: int
    days: int = 546
    skus: int = 144
    orders_a_day: int = 400
    lot_days: int = 42
    spread: float = 0.5
    drift: float = 0.15
    plants: tuple[Plant, ...] = field(default=())

    @property
    def last(self) -> int:
        """Its last day, of 1970."""
        return FIRST + self.days - 1


def counts(shop: Shop) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What the queries quality_shipped, quality_returned and quality_judged find in such a company."""
    rng = np.random.default_rng(shop.seed)
    shipped = _shipped(rng, shop)
    returned = _returned(rng, shop, shipped)
    judged = _judged(rng, shop, returned)
    faults = returned[returned["outcome"].isin(VENDOR_FAULT)].assign(outcome="VENDOR_FAULT")
    told = pd.concat([returned, faults], ignore_index=True)
    told = told[told["day"] <= shop.last]
    shipped = shipped.assign(units=shipped["orders"])
    return (
        shipped.groupby(PRODUCT, as_index=False)[["orders", "units"]].sum(),
        told.groupby([*PRODUCT, "outcome", "day"], as_index=False)["orders"].sum(),
        judged.groupby(DOCK, as_index=False, dropna=False)[["orders", "units"]].sum(),
    )


def _shipped(rng: np.random.Generator, shop: Shop) -> pd.DataFrame:
    """Orders by SKU and day, few SKUs being most of them."""
    popular = rng.lognormal(0, 0.8, shop.skus)
    season = 1 + 0.4 * np.sin(np.arange(shop.days) / 58)
    orders = rng.poisson(np.outer(popular / popular.sum() * shop.orders_a_day, season)).ravel()
    number, age = np.divmod(np.flatnonzero(orders), shop.days)
    style = number // SIZES
    return pd.DataFrame(
        {
            "number": number,
            "age": age,
            "orders": orders[orders > 0],
            "sku": _named("S", number),
            "lot_no": _named("L", number * 1000 + age // shop.lot_days),
            "style": _named("T", style),
            "size": _named("", number % SIZES),
            "vendor_id": _named("V", style // CATEGORIES % VENDORS),
            "product_category": _named("C", style % CATEGORIES),
            "week": _week(FIRST + age),
        }
    )


def _returned(rng: np.random.Generator, shop: Shop, shipped: pd.DataFrame) -> pd.DataFrame:
    """One row per order that comes back, 2 days and more after shipping: gamma of shape 2, mean 13 days."""
    months = shop.days // MONTH + 1
    size = (len(REASONS), shop.skus, months)
    of_sku = rng.normal(0, shop.spread, (*size[:2], 1))
    of_month = rng.normal(0, 0.3, (size[0], 1, months))
    level = np.exp(of_sku + of_month + rng.normal(0, shop.drift, size))
    parts = []
    for place, (outcome, rate) in enumerate(REASONS.items()):
        chance = rate * level[place, shipped["number"], shipped["age"] // MONTH]
        chance = np.minimum(chance * _worse(shop, shipped, outcome), 0.6)
        rows = np.repeat(np.arange(len(shipped)), rng.binomial(shipped["orders"], chance))
        parts.append(shipped.iloc[rows].assign(outcome=outcome, orders=1))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(day=FIRST + found["age"] + 2 + rng.gamma(2.0, 5.5, len(found)).astype(int))


def _judged(rng: np.random.Generator, shop: Shop, returned: pd.DataFrame) -> pd.DataFrame:
    """Receipts at the dock, a week after the return was told."""
    found = returned[["product_category"]].assign(day=returned["day"] + 7, orders=1, units=1)
    found = found[found["day"] <= shop.last].reset_index(drop=True)
    found["week"], found["age"] = _week(found["day"]), found["day"] - FIRST
    found["site"] = _named("D", rng.integers(0, SITES, len(found)))
    found["carrier"] = _named("K", rng.integers(0, CARRIERS, len(found)))
    chances = np.column_stack([rate * _worse(shop, found, grade) for grade, rate in GRADES.items()])
    drawn = (rng.random(len(found))[:, None] > np.cumsum(chances, axis=1)).sum(axis=1)
    found["grade"] = np.array([*GRADES, ""])[drawn]
    [(damage, rate)] = DAMAGED_BACK.items()
    found["is_damaged"] = rng.random(len(found)) < rate * _worse(shop, found, f"{damage} BACK")
    return found


def _worse(shop: Shop, rows: pd.DataFrame, outcome: str) -> Any:
    """How many times as often as without what is planted."""
    ratio = np.ones(len(rows))
    for plant in shop.plants:
        if outcome in plant.outcomes:
            inside = (rows["age"] >= plant.day).to_numpy()
            for name, value in plant.where.items():
                inside = inside & (rows[name] == value).to_numpy()
            ratio = np.where(inside, ratio * plant.ratio, ratio)
    return ratio


def _named(prefix: str, number: Any) -> pd.Series[Any]:
    return prefix + pd.Series(np.asarray(number)).astype(str)


def _week(day: Any) -> Any:
    """Weeks since Monday 1970-01-05, the fifth day."""
    return (day - 4) // 7
