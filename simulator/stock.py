"""Returned stock: what lies where at the end of a day, added up over all blocks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from simulator.cells import Cells
from simulator.company import (
    CURRENCIES,
    DAY,
    GRADE_FACTOR_PCT,
    GRADE_NAMES,
    GRADES,
    NEVER,
    PRICE_FACTOR_PCT,
    QU,
    RF,
    RP,
    SITE_CURRENCY,
    SITES,
    UNGRADED,
    Company,
    Items,
    epoch,
    rounded,
)
from simulator.orders import sku_texts
from simulator.render import UNIT, choice, csv_lines, fixed, integer, stamp
from simulator.returns import Goods
from simulator.world import Rows

LOCATIONS = ("dock", "inspection", "workshop", "quarantine")
DOCK, INSPECTION, WORKSHOP, QUARANTINE = range(4)
LAST_DAYS = 7  # of the history, each with a file of its own
KEYS = {"day": 16, "site": 3, "location": 3, "item": 16, "grade": 3}  # with their bits


def snapshot_days(company: Company) -> list[tuple[int, dt.date]]:
    """Nights and dates of the stock files: month ends and the last days of history, then each night."""
    ends = pd.date_range(company.start, company.history_end, freq="ME").date
    last = [company.history_end - dt.timedelta(days=back) for back in range(LAST_DAYS)]
    history = sorted({date for date in [*ends, *last] if date >= company.start})
    return [(0, date) for date in history] + list(enumerate(company.dates))[1:]


class Stock:
    """Units by day, site, location, item and grade."""

    def __init__(self, company: Company) -> None:
        self.days = np.array([epoch(date) // DAY for _, date in snapshot_days(company)])
        self.cells = Cells(KEYS, ("quantity",))

    def add(self, goods: Goods) -> None:
        """Add one block's goods at the end of each day."""
        stays = _stays(goods)
        looks = goods.inspections.sort_values(["inspected_at", "id"])
        for day in self.days.tolist():
            end = (day + 1) * DAY
            lying = stays[(stays["from"] < end) & (stays["to"] >= end)]
            if len(lying):
                self.cells.add(_placed(goods, lying, looks[looks["inspected_at"] < end], day))

    def on(self, date: dt.date) -> pd.DataFrame:
        """Rows of one day: day, site, location, item, grade, quantity; in the order of the keys."""
        table = self.cells.table()
        return table[table["day"] == epoch(date) // DAY]


def _placed(goods: Goods, lying: pd.DataFrame, looks: pd.DataFrame, day: int) -> dict[str, np.ndarray | int]:
    grade = np.full(len(goods.receipts), UNGRADED)
    grade[looks["receipt"].to_numpy()] = GRADES[looks["functional"], looks["cosmetic"]]
    receipt = lying["receipt"].to_numpy()
    return {
        "day": day, "site": goods.receipts["site"].to_numpy()[receipt],
        "location": lying["location"].to_numpy(),
        "item": goods.lines["item"].to_numpy()[goods.receipts["line"].to_numpy()[receipt]],
        "grade": grade[receipt], "quantity": lying["quantity"].to_numpy(),
    }  # fmt: skip


def _stays(goods: Goods) -> pd.DataFrame:
    """Where units lie from when to when: receipt, quantity, location, from, to."""
    receipts, rows = goods.receipts, goods.dispositions
    looked = np.full(len(receipts), NEVER)
    looks = goods.inspections
    np.minimum.at(looked, looks["receipt"].to_numpy(), looks["inspected_at"].to_numpy())
    first = rows[(rows["follows"] < 0) & (rows["reverses"] < 0)]
    decided = np.bincount(first["receipt"], first["quantity"], len(receipts)).astype(np.int64)
    idle = np.flatnonzero(receipts["quantity"].to_numpy() > decided)
    batches = pd.DataFrame({
        "receipt": np.concatenate([first["receipt"].to_numpy(), idle]),
        "quantity": np.concatenate(
            [first["quantity"].to_numpy(), receipts["quantity"].to_numpy()[idle] - decided[idle]]
        ),
        "until": np.concatenate([first["disposed_at"].to_numpy(), np.full(len(idle), NEVER)]),
    })  # fmt: skip
    came = receipts["received_at"].to_numpy()[batches["receipt"]]
    seen = np.minimum(looked[batches["receipt"]], batches["until"])
    parts = [
        _stay(batches, DOCK, came, seen),
        _stay(batches, INSPECTION, seen, batches["until"]),
        *_in_process(rows, first, looked),
    ]
    stays = pd.concat(parts, ignore_index=True)
    return stays[stays["from"] < stays["to"]]


def _in_process(rows: pd.DataFrame, first: pd.DataFrame, looked: np.ndarray) -> list[pd.DataFrame]:
    """Units after a decision that is not the last: at work, held back, or taken back from stock."""
    next_at = np.full(len(rows), NEVER)
    later = rows[rows["follows"] >= 0]
    next_at[later["follows"].to_numpy()] = later["disposed_at"].to_numpy()
    until = next_at[first.index.to_numpy()]
    code = first["code"].to_numpy()
    back = (first["reversed_at"] < NEVER).to_numpy()
    was_seen = looked[first["receipt"].to_numpy()] < NEVER
    at = np.where(back, first["reversed_at"], first["disposed_at"])
    return [
        _stay(first, location, at, until)[keep]
        for location, keep in (
            (WORKSHOP, (code == RF) | (code == RP)),
            (QUARANTINE, code == QU),
            (INSPECTION, back & was_seen),
            (DOCK, back & ~was_seen),
        )
    ]


def _stay(
    batches: pd.DataFrame, location: int, start: np.ndarray, end: np.ndarray | pd.Series
) -> pd.DataFrame:
    return pd.DataFrame({
        "receipt": batches["receipt"].to_numpy(), "quantity": batches["quantity"].to_numpy(),
        "location": location, "from": np.asarray(start), "to": np.asarray(end),
    })  # fmt: skip


def unit_values(items: Items, table: pd.DataFrame) -> np.ndarray:
    """Book value of one unit in 1/10,000 of the site's currency: cost of the day by grade."""
    day, item = table["day"].to_numpy(), table["item"].to_numpy()
    cost = items.unit_cost[items.version(day * DAY), item]
    factor = PRICE_FACTOR_PCT[SITE_CURRENCY[table["site"].to_numpy()]]
    return rounded(cost * factor * GRADE_FACTOR_PCT[table["grade"].to_numpy()], 10_000)


def stock_rows(items: Items, table: pd.DataFrame) -> Rows:
    """Values of one day for a table of columns."""
    columns = {
        "snapshot_date": stamp(table["day"].to_numpy() * DAY, "%Y-%m-%d"),
        "site": choice(SITES, table["site"]),
        "location": choice(LOCATIONS, table["location"]),
        "sku": choice(sku_texts(items), table["item"]),
        "grade": choice(GRADE_NAMES, table["grade"]),
        "quantity": integer(table["quantity"]),
        "unit_value": fixed(unit_values(items, table), 4),
        "currency": choice(CURRENCIES, SITE_CURRENCY[table["site"].to_numpy()]),
    }
    return Rows(csv_lines(columns, UNIT), len(table))
