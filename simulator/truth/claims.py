"""KPIs of claims against vendors: how much they give back, and how long it takes."""

from __future__ import annotations

import numpy as np

from simulator.truth.known import KnownReturns
from simulator.truth.kpis import NO_CHANNEL, NO_SITE, KpiCells, Where, day_of

CLAIM = "CLAIM"


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add vendor recovery rate and days outstanding, by the day of the claim."""
    claims = known.world.goods.claims
    claims = claims[claims["seen"] < known.end]
    answered = (claims["answered_at"] < known.end).to_numpy()
    credited = np.where(answered, claims["credited"], 0)
    opened = day_of(claims["opened_at"])
    where = _where(known, claims["receipt"].to_numpy(), claims["item"].to_numpy())
    cells.put("vendor_recovery_rate", CLAIM, opened, where, credited, claims["claimed"], ~answered)
    until = np.where(answered, day_of(claims["answered_at"]), known.today)
    has_credit = (credited > 0).astype(int)
    cells.put("vendor_days_outstanding", CLAIM, opened, where, until - opened, has_credit, ~answered)


def _where(known: KnownReturns, receipt: np.ndarray, item: np.ndarray) -> Where:
    """Channel and category of the returned line at the receipt's site; own stock only has a category."""
    receipts = known.world.goods.receipts
    line = receipts["line"].to_numpy()[receipt]
    now = known.world.items.version(np.array([known.end - 1]))[0]
    is_own = receipt < 0
    return Where(
        np.where(is_own, NO_CHANNEL, known.channel[line]),
        np.where(is_own, known.world.items.category[now, item], known.category[line]),
        np.where(is_own, NO_SITE, receipts["site"].to_numpy()[receipt]),
    )
