"""KPIs of the money that goes back: how much, how fast, and what is kept as goods or credit."""

from __future__ import annotations

import numpy as np

from simulator.company import DAY, EXCHANGE, REPAIR, REPLACEMENT, STORE_CREDIT
from simulator.truth.known import KnownReturns
from simulator.truth.kpis import NO_CHANNEL, NO_SITE, KpiCells, Where, day_of
from simulator.truth.sales import is_immature, where_sold

REFUND, SALE = "REFUND", "SALE"
REFUND_TYPE, FAILURE_TYPE = 0, 1
KEPT = (EXCHANGE, STORE_CREDIT, REPLACEMENT, REPAIR)
LATE_DAYS = 14


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add refund rates, lead times, and the two ratios of credited value."""
    _add_rates(cells, known)
    _add_lead_times(cells, known)
    _add_ratios(cells, known)


def _add_rates(cells: KpiCells, known: KnownReturns) -> None:
    rows = known.settlements()
    rows = rows[np.isin(rows["type"], (REFUND_TYPE, FAILURE_TYPE))]
    paid = -known.euro(rows["gross"], rows["currency"], rows["booked_at"])
    line, day = rows["line"].to_numpy(), day_of(rows["booked_at"])
    sale = np.where(line >= 0, known.column("sale")[line], rows["sale"])
    where = known.where_of_money(line, sale)
    cells.put("refund_rate", REFUND, day, where, paid, 0)
    sold = known.world.sales.iloc[sale[sale >= 0]]
    cells.put(
        "refund_rate", SALE, day_of(sold["shipped_at"]), where_sold(sold), paid[sale >= 0], 0,
        is_immature(known, sold),
    )  # fmt: skip
    lost = sale < 0
    count = int(lost.sum())
    nowhere = Where(np.full(count, NO_CHANNEL), where.category[lost], np.full(count, NO_SITE))
    cells.put("refund_rate", SALE, day[lost], nowhere, paid[lost], 0)
    _add_captured(cells, known)


def _add_captured(cells: KpiCells, known: KnownReturns) -> None:
    """What customers paid for the lines that have shipped."""
    sales = known.shipped
    cents = sales["net"] + sales["tax"] + sales["shipping"]
    captured = known.euro(cents, sales["currency"], sales["ordered_at"])
    day, where = day_of(sales["shipped_at"]), where_sold(sales)
    cells.put("refund_rate", REFUND, day, where, 0, captured)
    cells.put("refund_rate", SALE, day, where, 0, captured, is_immature(known, sales))


def _add_lead_times(cells: KpiCells, known: KnownReturns) -> None:
    """Days from the first scan or the receipt, else from the request, to the payment."""
    rows = known.settlements()
    rows = rows[(rows["type"] == REFUND_TYPE) & (rows["line"] >= 0)]
    line, day = rows["line"].to_numpy(), day_of(rows["booked_at"])
    moved = np.minimum(known.first_scan_at(), known.first_at)
    start = np.where(moved < known.end, moved, known.basis_at)[line] // DAY
    days = np.maximum(day - start, 0)
    where = known.where_of(line)
    cells.put("refund_lead_time", REFUND, day, where, days, 1)
    cells.put("refund_late_share", REFUND, day, where, (days > LATE_DAYS).astype(int), 1)


def _add_ratios(cells: KpiCells, known: KnownReturns) -> None:
    memos, sales = known.world.money.memos, known.world.sales
    memos = memos[memos["seen"] < known.end]
    line = memos["line"].to_numpy()
    currency = np.where(
        line >= 0, known.column("currency")[line], sales["currency"].to_numpy()[memos["sale"].to_numpy()]
    )
    cents = known.euro(memos["amount"], currency, memos["posted_at"])
    is_kept = (line >= 0) & np.isin(known.column("resolution")[line], KEPT)
    day, where = day_of(memos["posted_at"]), known.where_of_money(line, memos["sale"].to_numpy())
    cells.put("retained_revenue_ratio", REFUND, day, where, np.where(is_kept, cents, 0), cents)
    cells.put("refund_ratio", REFUND, day, where, np.where(is_kept, 0, cents), cents)
