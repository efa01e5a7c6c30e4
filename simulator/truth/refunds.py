"""KPIs of the money that goes back: how much, how fast, and what is kept as goods or credit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.codes import CANCELED, FAILED_STATUS, IS_CREDIT
from simulator.company import DAY, EXCHANGE, REFUND_DAYS, REPAIR, REPLACEMENT, rounded
from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import KpiCells, day_of
from simulator.truth.sales import is_refunding, where_sold
from simulator.truth.sent import goes_by_goods, replaced

REFUND, SALE = "REFUND", "SALE"
REFUND_TYPE, FAILURE_TYPE = 0, 1
IN_KIND = (EXCHANGE, REPLACEMENT, REPAIR)


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
        is_refunding(known, sold),
    )  # fmt: skip
    _add_captured(cells, known)


def _add_captured(cells: KpiCells, known: KnownReturns) -> None:
    """What customers paid for the lines that have shipped."""
    sales = known.shipped
    cents = sales["net"] + sales["tax"] + sales["shipping"]
    captured = known.euro(cents, sales["currency"], sales["ordered_at"])
    day, where = day_of(sales["shipped_at"]), where_sold(sales)
    cells.put("refund_rate", REFUND, day, where, 0, captured)
    cells.put("refund_rate", SALE, day, where, 0, captured, is_refunding(known, sales))


def _add_lead_times(cells: KpiCells, known: KnownReturns) -> None:
    """Days from the first scan or the receipt, else from the request, to the payment, once a refund."""
    rows = _completing(known)
    line, day = rows["line"].to_numpy(), day_of(rows["booked_at"])
    moved = np.minimum(known.first_scan_at(), known.first_at)
    start = np.where(moved < known.end, moved, known.basis_at)[line] // DAY
    days = np.maximum(day - start, 0)
    where = known.where_of(line)
    is_awaited = (moved >= known.end) & known.is_counted & ~known.is_returnless
    young = (is_awaited & (known.due_on() > known.today))[line]  # goods that come start the clock anew
    cells.put("refund_lead_time", REFUND, day, where, days, 1, young)
    cells.put("refund_late_share", REFUND, day, where, (days > REFUND_DAYS).astype(int), 1, young)


def _completing(known: KnownReturns) -> pd.DataFrame:
    """Of each refund of a return the movement with which it was wholly paid, and stayed so.

    One that failed and was not paid again has none; what is paid twice was paid with the first.
    """
    rows = known.settlements()
    rows = rows[np.isin(rows["type"], (REFUND_TYPE, FAILURE_TYPE)) & (rows["line"] >= 0)]
    rows = rows.assign(refund=np.where(rows["refund"] >= 0, rows["refund"], -2 - rows["id"]))
    rows = rows.sort_values(["refund", "booked_at", "id"])
    paid = -rows["gross"]
    so_far, in_all = (paid.groupby(rows["refund"]).agg(how) for how in ("cumsum", "sum"))
    in_all = in_all.loc[rows["refund"]].to_numpy()
    counts = (rows["type"] == REFUND_TYPE) & ~rows["is_duplicate"].to_numpy(dtype=bool)
    is_abroad = rows["currency"].to_numpy() != known.column("currency")[rows["line"]]
    due = rows["due"].where(counts & ~is_abroad, 0).groupby(rows["refund"]).transform("sum")
    is_short = so_far < np.minimum(due.where(due > 0, in_all), in_all)
    is_short_later = is_short[::-1].groupby(rows["refund"]).cummax()[::-1]
    return rows[~is_short_later & (in_all > 0)].drop_duplicates("refund")


def _add_ratios(cells: KpiCells, known: KnownReturns) -> None:
    """Credit issued and goods sent are kept, and of what is owed in goods all but the cash beside it."""
    memos, sales = known.world.money.memos, known.world.sales
    memos = memos[memos["seen"] < known.end]
    line = memos["line"].to_numpy()
    currency = np.where(
        line >= 0, known.column("currency")[line], sales["currency"].to_numpy()[memos["sale"].to_numpy()]
    )
    cents = known.euro(memos["amount"], currency, memos["posted_at"])
    day, where = day_of(memos["posted_at"]), known.where_of_money(line, memos["sale"].to_numpy())
    credited = total(line[line >= 0], memos["amount"].to_numpy()[line >= 0], known.size)
    credit, cash = _issued(known)
    sent = replaced(known)
    goods = np.maximum(-total(sent["case"], sent["amount"], known.size), 0)
    has_goods = np.isin(np.arange(known.size), sent["case"])
    kept = np.where(has_goods, np.minimum(goods + credit, credited - cash), credit)
    is_owed = np.isin(known.column("resolution"), IN_KIND) & ~goes_by_goods(known)
    kept = np.where(is_owed, credited - cash, kept)
    kept = np.clip(kept, 0, np.maximum(credited, 0))
    kept_cents = np.where(line >= 0, _part(cents, kept[line], credited[line]), 0)
    is_issued, is_pending = _tendered(known)
    is_due = (line < 0) | ~(is_issued | has_goods | is_owed)[line]
    young = np.where(is_due, day + REFUND_DAYS > known.today, is_pending[line])
    cells.put("retained_revenue_ratio", REFUND, day, where, kept_cents, cents, young)
    cells.put("refund_ratio", REFUND, day, where, cents - kept_cents, cents, young)


def _tendered(known: KnownReturns) -> tuple[np.ndarray, np.ndarray]:
    """Return lines with a tender that has not failed, and those with one that still may."""
    tenders = known.world.money.tenders
    tenders = tenders[(tenders["created_at"] < known.end) & (tenders["line"] >= 0)]
    ended = (tenders["final_at"] < known.end).to_numpy()
    void = ended & np.isin(tenders["status"], (FAILED_STATUS, CANCELED))
    line = tenders["line"].to_numpy()
    is_issued, is_pending = np.zeros(known.size, dtype=bool), np.zeros(known.size, dtype=bool)
    is_issued[line[~void]], is_pending[line[~ended]] = True, True
    return is_issued, is_pending


def _issued(known: KnownReturns) -> tuple[np.ndarray, np.ndarray]:
    """Cents by return line that customer service issued as credit, and as cash."""
    tenders = known.world.money.tenders
    tenders = tenders[(tenders["created_at"] < known.end) & (tenders["line"] >= 0)]
    ended = (tenders["final_at"] < known.end).to_numpy()
    void = ended & np.isin(tenders["status"], (FAILED_STATUS, CANCELED))
    is_credit = IS_CREDIT[tenders["tender"].to_numpy()]
    line, cents = tenders["line"].to_numpy(), tenders["amount"].to_numpy()
    credit, cash = (
        total(line[mask], cents[mask], known.size) for mask in (~void & is_credit, ~void & ~is_credit)
    )
    return credit, cash


def _part(cents: np.ndarray, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part` of `whole` of each amount, rounded half away from zero."""
    return rounded(cents * np.where(whole > 0, part, 0), np.maximum(whole, 1))
