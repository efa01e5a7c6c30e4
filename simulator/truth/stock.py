"""KPIs of returned stock: what it is worth, and for how many days of outflow it lasts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.cells import Cells
from simulator.company import DAY, RATE_ONE, SITE_CURRENCY, Items, Rates, rounded
from simulator.stock import unit_values
from simulator.truth.known import KnownReturns
from simulator.truth.kpis import NO_CHANNEL, KpiCells, Where, day_of

STOCK = "STOCK"
DAYS = 30


def make_outflow() -> Cells:
    """Units finally disposed of by day, category and site."""
    return Cells({"day": 16, "category": 3, "site": 3}, ("units",))


def add_outflow(outflow: Cells, known: KnownReturns) -> None:
    """Add one block's final dispositions that stand."""
    rows = known.ended
    site = known.world.goods.receipts["site"].to_numpy()[rows["receipt"].to_numpy()]
    outflow.add({
        "day": day_of(rows["disposed_at"]), "category": known.category[rows["line"].to_numpy()],
        "site": site, "units": rows["quantity"].to_numpy(),
    })  # fmt: skip


def add(cells: KpiCells, outflow: Cells, items: Items, rates: Rates, stock: pd.DataFrame) -> None:
    """Add stock value and days of stock; `stock` has the rows of all snapshots that are out."""
    day, item, site = (stock[name].to_numpy() for name in ("day", "item", "site"))
    units = stock["quantity"].to_numpy()
    value = _euro_cents(rates, units * unit_values(items, stock), SITE_CURRENCY[site], day)
    category = items.category[items.version(day * DAY), item]
    where = Where(np.full(len(stock), NO_CHANNEL), category, site)
    cells.put("returned_stock_value", STOCK, day, where, value, units)
    cells.put("returned_stock_days", STOCK, day, where, DAYS * units, 0)
    left = outflow.table()
    for snapshot in np.unique(day).tolist():
        recent = left[(left["day"] > snapshot - DAYS) & (left["day"] <= snapshot)]
        where = Where(
            np.full(len(recent), NO_CHANNEL), recent["category"].to_numpy(), recent["site"].to_numpy()
        )
        cells.put("returned_stock_days", STOCK, snapshot, where, 0, recent["units"].to_numpy())


def _euro_cents(rates: Rates, values: np.ndarray, currency: np.ndarray, day: np.ndarray) -> np.ndarray:
    """1/10,000 of a currency to cents of the reporting currency, rounded once."""
    return rounded(values * rates.of(currency, day * DAY), 100 * RATE_ONE)
