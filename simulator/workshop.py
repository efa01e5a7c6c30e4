"""Work orders: repair, refurbishing and repacking of received goods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import (
    DAY,
    GOOD,
    HOUR,
    LIKE_NEW,
    NEVER,
    NEW,
    PRICE_FACTOR_PCT,
    RF,
    RP,
    RS,
    Ids,
    rounded,
)
from simulator.habits import Habits

WORK_TYPES = ("repair", "refurbish", "repack")
REPAIR_WORK, REFURBISH_WORK, REPACK_WORK = range(3)
REPACKED = 0.15  # of the restocked goods
# 1/10,000 of the site's currency an hour: Leipzig, Manchester, Chicago, Stockholm.
LABOUR_RATE = np.array([345_000, 298_500, 382_500, 3_650_000])


def make_work_orders(
    rng: np.random.Generator, habits: Habits, receipts: pd.DataFrame, dispositions: pd.DataFrame, ids: Ids
) -> pd.DataFrame:
    """One work order per disposition to work: it is open until the goods' next step.

    Columns: receipt, type, opened_at, closed_at, minutes and first_minutes (1/100 minute), rate
    (1/10,000), parts (cents, known at the end), currency, outcome (a grade), id, seen, is_late.
    """
    code = dispositions["code"].to_numpy()
    stands = ((dispositions["reverses"] < 0) & (dispositions["reversed_at"] == NEVER)).to_numpy()
    repacked = (code == RS) & (rng.random(len(code)) < REPACKED)
    row = np.flatnonzero(stands & ((code == RF) | (code == RP) | repacked))
    part, size = dispositions.iloc[row], len(row)
    work = np.select([code[row] == RP, code[row] == RF], [REPAIR_WORK, REFURBISH_WORK], REPACK_WORK)
    opened = part["disposed_at"].to_numpy()
    site = receipts["site"].to_numpy()[part["receipt"].to_numpy()]
    least, most = (100 * minutes for minutes in habits.repair_minutes)
    minutes = np.where(work == REPACK_WORK, rng.integers(200, 1500, size), rng.integers(least, most, size))
    parts = np.where(
        work == REPACK_WORK, rng.integers(0, 80, size), rng.integers(0, 100 * habits.repair_parts, size)
    )
    outcome = np.where(work == REPACK_WORK, NEW, np.where(rng.random(size) < 0.6, LIKE_NEW, GOOD))
    units = part["quantity"].to_numpy()
    return pd.DataFrame({
        "receipt": part["receipt"].to_numpy(), "type": work, "opened_at": opened,
        "closed_at": _closed_at(rng, dispositions, row, work == REPACK_WORK),
        "minutes": minutes * units, "first_minutes": minutes * units // 5, "rate": LABOUR_RATE[site],
        "parts": rounded(parts * units * PRICE_FACTOR_PCT[part["currency"].to_numpy()], 100),
        "currency": part["currency"].to_numpy(), "outcome": outcome, "id": ids.take("work_order", size),
        "seen": opened, "is_late": False,
    })  # fmt: skip


def _closed_at(
    rng: np.random.Generator, dispositions: pd.DataFrame, row: np.ndarray, is_repack: np.ndarray
) -> np.ndarray:
    """Repacking takes hours; other work ends some hours before the goods' next step, or goes on."""
    next_at = np.full(len(dispositions), NEVER)
    later = dispositions[dispositions["follows"] >= 0]
    next_at[later["follows"].to_numpy()] = later["disposed_at"].to_numpy()
    opened = dispositions["disposed_at"].to_numpy()[row]
    ended = np.minimum(next_at[row], opened + 60 * DAY) - rng.integers(HOUR, 12 * HOUR, len(row))
    quick = opened + rng.integers(HOUR // 2, 8 * HOUR, len(row))
    return np.where(is_repack, quick, np.where(next_at[row] < NEVER, ended, NEVER))
