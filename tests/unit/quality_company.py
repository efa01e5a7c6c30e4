"""A company as counts: what it ships and what comes back, drawn afresh from a seed, with what is planted in it.

It is made without the product's code: SKUs differ from each other, drift from month to month, sell by seasons, and
come back more after Christmas; returns are asked for days to weeks after shipping.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

MONDAY = 18_631  # days since 1970: Monday 2021-01-04
REASONS = {
    "DEFECTIVE": 0.020, "DAMAGED_IN_TRANSIT": 0.010, "NOT_AS_DESCRIBED": 0.014, "WRONG_ITEM": 0.006,
    "MISSING_PARTS": 0.005, "SIZE_TOO_SMALL": 0.020, "SIZE_TOO_LARGE": 0.016, "CHANGED_MIND": 0.040,
}  # fmt: skip
NAMES = np.array(list(REASONS))
VENDOR_FAULT = ("DEFECTIVE", "MISSING_PARTS")
SIZES = 4
CATEGORIES = 6


@dataclass(frozen=True)
class Plant:
    """What gets worse: from `day` on, the odds of `outcomes` are `ratio` times as before where all of `where` holds."""

    where: dict[str, object]
    outcomes: tuple[str, ...]
    ratio: float
    day: int = 0


@dataclass(frozen=True)
class Shop:
    """Its size and how unlike its SKUs are; days are counted from its beginning."""

    seed: int
    days: int = 546
    skus: int = 180
    orders_a_day: int = 400
    lot_days: int = 42
    spread: float = 0.5
    drift: float = 0.15
    plants: tuple[Plant, ...] = field(default=())


def shipped_and_returned(shop: Shop) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders by SKU, lot and day, and what of them came back: the same with outcome, event day and orders."""
    rng = np.random.default_rng(shop.seed)
    sku = np.arange(shop.skus)
    popular = rng.lognormal(0, 0.8, shop.skus)
    season = 1 + 0.4 * np.sin(np.arange(shop.days) / 58)
    expected = np.outer(popular / popular.sum() * shop.orders_a_day, season)
    orders = rng.poisson(expected)
    level = _levels(rng, shop)
    rows = {"sku": np.repeat(sku, shop.days), "day": np.tile(np.arange(shop.days), shop.skus)}
    shipped = pd.DataFrame({**rows, "orders": orders.ravel()})
    shipped = _described(shipped[shipped["orders"] > 0].reset_index(drop=True), shop)
    parts = []
    for number, (outcome, rate) in enumerate(REASONS.items()):
        odds = rate * level[number, shipped["sku"], shipped["day"] // 28]
        for plant in shop.plants:
            if outcome in plant.outcomes:
                odds = np.where(_is_in(shipped, plant), odds * plant.ratio, odds)
        parts.append(_events(rng, shipped, np.minimum(odds, 0.6), outcome))
    returned = pd.concat(parts, ignore_index=True)
    return shipped, returned[returned["event_day"] < shop.days].reset_index(drop=True)


def _levels(rng: np.random.Generator, shop: Shop) -> np.ndarray:
    """How many times its category's rate each SKU returns, by outcome, SKU and month; more in one month for all."""
    months = shop.days // 28 + 1
    of_sku = rng.normal(0, shop.spread, (len(REASONS), shop.skus, 1))
    drift = rng.normal(0, shop.drift, (len(REASONS), shop.skus, months))
    season = rng.normal(0, 0.3, (len(REASONS), 1, months))
    return np.exp(of_sku + drift + season)


def _described(rows: pd.DataFrame, shop: Shop) -> pd.DataFrame:
    sku = rows["sku"]
    return rows.assign(
        lot_no="L" + sku.astype(str) + "-" + (rows["day"] // shop.lot_days).astype(str),
        style=sku // SIZES,
        category=sku // SIZES % CATEGORIES,
        vendor_id=sku // SIZES // CATEGORIES % 5,
        site=rows["day"] % 3,
    )


def _is_in(rows: pd.DataFrame, plant: Plant) -> np.ndarray:
    inside = (rows["day"] >= plant.day).to_numpy()
    for name, value in plant.where.items():
        inside = inside & (rows[name] == value).to_numpy()
    return inside


def _events(rng: np.random.Generator, rows: pd.DataFrame, odds: np.ndarray, outcome: str) -> pd.DataFrame:
    """Returns, each 2 days and more after its shipping: gamma of shape 2, mean 13 days."""
    events = rng.binomial(rows["orders"], odds)
    found = rows.loc[np.repeat(rows.index, events)].drop(columns="orders").reset_index(drop=True)
    wait = 2 + rng.gamma(2.0, 5.5, len(found)).astype(int)
    return found.assign(outcome=outcome, event_day=found["day"] + wait, orders=1)
