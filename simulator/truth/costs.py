"""What returns cost and what came back of it, in cents of the reporting currency by return line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import (
    CASE_CENTS,
    DAY,
    GRADE_FACTOR_PCT,
    GRADES,
    INSPECTION_CENTS,
    INVOICE_DAYS,
    IS_DISPOSAL,
    LIKE_NEW,
    RECEIVING_CENTS,
    RS,
    SITE_CURRENCY,
    STORAGE_CENTS,
    rounded,
)
from simulator.returns import HAS_PARCEL
from simulator.truth.known import KnownReturns, total
from simulator.truth.kpis import COMPONENTS, NOT_RECEIVED, KpiCells, Where, day_of
from simulator.workshop import REPACK_WORK

RETURN = "RETURN"


def add(cells: KpiCells, known: KnownReturns) -> None:
    """Add cost per return, its components, cost in process, value and asset recovery."""
    costs, back = costs_by_component(known), recovered(known)
    came = known.is_counted & (known.received > 0)
    day = day_of(known.first_at[came])
    where = Where(known.channel, known.category, known.site)[came]
    units, disposed = known.received[came], known.disposed[came]
    is_open = disposed < units
    until = np.maximum(
        _left_on(known) + INVOICE_DAYS, np.where(known.received < known.expected, known.due_on(), 0)
    )
    young = is_open | (until[came] > known.today)
    unanswered = young | _has_open_claim(known)[came]
    closed = rounded(costs[:, came] * disposed, units)
    for name, part in zip(COMPONENTS, closed, strict=True):
        cells.put(f"cost_per_return.{name}", RETURN, day, where, part, disposed, young)
    closed_sum = closed.sum(axis=0)
    cells.put("cost_per_return", RETURN, day, where, closed_sum, disposed, young)
    rest = costs[:, came].sum(axis=0) - closed_sum
    cells.put("return_cost_in_process", RETURN, day, where, rest, units - disposed, True)
    cells.put("value_recovery_rate", RETURN, day, where, back[came], closed_sum, unanswered)
    cells.put("asset_recovery_rate", RETURN, day, where, back[came], original_cost(known)[came], unanswered)
    _add_goods_never_received(cells, known, costs.sum(axis=0))


def _left_on(known: KnownReturns) -> np.ndarray:
    """Day by line of its last final disposition; 0 without any."""
    left = np.zeros(known.size, dtype=np.int64)
    np.maximum.at(left, known.ended["line"].to_numpy(), day_of(known.ended["disposed_at"]))
    return left


def _has_open_claim(known: KnownReturns) -> np.ndarray:
    claims = known.world.goods.claims
    claims = claims[(claims["seen"] < known.end) & (claims["receipt"] >= 0)]
    waiting = claims["receipt"][claims["answered_at"] >= known.end]
    is_open = np.zeros(known.size, dtype=bool)
    is_open[known.line_of_receipt(waiting)] = True
    return is_open


def _add_goods_never_received(cells: KpiCells, known: KnownReturns, cost: np.ndarray) -> None:
    """Goods that the customer keeps are no units in process, whatever their refund cost."""
    gone = known.is_counted & (known.received == 0) & (cost != 0)
    where = Where(known.channel, known.category, np.full(known.size, NOT_RECEIVED))[gone]
    began = np.where(known.has_rma, known.column("authorized_at"), known.basis_at)
    units = np.where(known.is_returnless, 0, known.column("authorized"))
    cells.put("return_cost_in_process", RETURN, day_of(began[gone]), where, cost[gone], units[gone], True)


def costs_by_component(known: KnownReturns) -> np.ndarray:
    """Cents by component, in the order of COMPONENTS, and line."""
    return np.stack([
        _freight(known), _receiving(known), _inspection(known), _handling(known, False),
        _handling(known, True), _payment_fees(known), _work(known, False), _work(known, True),
        _storage(known), _case_handling(known),
    ])  # fmt: skip


def _in_parts(
    known: KnownReturns, amounts: pd.DataFrame, key: str, members: np.ndarray, at: str
) -> np.ndarray:
    """Amounts by line: each is split over the lines with its key, by authorized units.

    `amounts`: key, amount, currency and a time; `members`: the lines, split in the order of the RMA line.
    """
    lines = known.lines.iloc[members][[key, "authorized", "rma_line"]].assign(line=members)
    lines = lines.sort_values([key, "rma_line"])
    lines["upto"] = lines.groupby(key)["authorized"].cumsum()
    lines["whole"] = lines.groupby(key)["authorized"].transform("sum")
    parts = amounts.merge(lines, on=key)
    amount, before = parts["amount"], parts["upto"] - parts["authorized"]
    share = rounded(amount * parts["upto"], parts["whole"])
    share = share - rounded(amount * before, parts["whole"])
    return total(parts["line"], known.euro(share, parts["currency"], parts[at]), known.size)


def _freight(known: KnownReturns) -> np.ndarray:
    """Carrier charges, over the RMA lines on the parcel."""
    charges = known.world.goods.charges
    riding = np.flatnonzero(np.isin(known.column("path"), HAS_PARCEL) & known.has_rma)
    return _in_parts(known, charges[charges["seen"] < known.end], "tracking", riding, "invoiced_on")


def _case_handling(known: KnownReturns) -> np.ndarray:
    """Cases about an RMA, over its lines that are not void."""
    cases = known.world.cases
    cases = cases[(cases["seen"] < known.end) & (cases["rma"] >= 0)]
    live = np.flatnonzero(known.has_rma & ~known.cancelled)
    amounts = cases[["rma", "opened_at"]].assign(amount=CASE_CENTS, currency=0)
    return _in_parts(known, amounts, "rma", live, "opened_at")


def _work(known: KnownReturns, is_repack: bool) -> np.ndarray:
    """Labour and parts of work orders; one that goes on costs what it has cost so far."""
    rows = known.world.goods.work_orders
    rows = rows[(rows["seen"] < known.end) & ((rows["type"] == REPACK_WORK) == is_repack)]
    has_ended = (rows["closed_at"] < known.end).to_numpy()
    minutes = np.where(has_ended, rows["minutes"], rows["first_minutes"])
    # Hundredths of a minute times 1/10,000 of the currency an hour.
    labour = rounded(minutes * rows["rate"].to_numpy(), 600_000)
    cents = labour + np.where(has_ended, rows["parts"], 0)
    at = np.where(has_ended, rows["closed_at"], rows["opened_at"])
    return total(known.line_of_receipt(rows["receipt"]), known.euro(cents, rows["currency"], at), known.size)


def _storage(known: KnownReturns) -> np.ndarray:
    """Units that have left, by the days that they lay at their site."""
    rows, receipts = known.ended, known.world.goods.receipts
    receipt = rows["receipt"].to_numpy()
    days = day_of(rows["disposed_at"]) - receipts["received_at"].to_numpy()[receipt] // DAY
    site = receipts["site"].to_numpy()[receipt]
    cents = rows["quantity"].to_numpy() * days * STORAGE_CENTS[site]
    return total(rows["line"], known.euro(cents, SITE_CURRENCY[site], rows["disposed_at"]), known.size)


def _receiving(known: KnownReturns) -> np.ndarray:
    site = known.receipts["site"].to_numpy()
    cents = known.receipts["quantity"].to_numpy() * RECEIVING_CENTS[site]
    at = known.receipts["received_at"].to_numpy()
    euro = known.euro(cents, SITE_CURRENCY[site], at)
    return total(known.receipts["line"], euro, known.size)


def _inspection(known: KnownReturns) -> np.ndarray:
    rows = known.inspections[known.inspections["with_minutes"]]
    site = known.world.goods.receipts["site"].to_numpy()[rows["receipt"]]
    # Hundredths of a minute times cents an hour.
    cents = rounded(rows["minutes"].to_numpy() * INSPECTION_CENTS[site], 6000)
    euro = known.euro(cents, SITE_CURRENCY[site], rows["inspected_at"].to_numpy())
    return total(known.line_of_receipt(rows["receipt"]), euro, known.size)


def _handling(known: KnownReturns, is_disposal: bool) -> np.ndarray:
    rows = known.dispositions
    rows = rows[IS_DISPOSAL[rows["code"].to_numpy()] == is_disposal]
    euro = known.euro(rows["cost"].to_numpy(), rows["currency"].to_numpy(), rows["disposed_at"].to_numpy())
    return total(rows["line"], euro, known.size)


def _payment_fees(known: KnownReturns) -> np.ndarray:
    rows = known.world.money.settlements
    rows = rows[(rows["seen"] < known.end) & (rows["type"] == 0) & (rows["line"] >= 0)]
    euro = known.euro(-rows["fee"].to_numpy(), rows["currency"].to_numpy(), rows["booked_at"].to_numpy())
    return total(rows["line"], euro, known.size)


def recovered(known: KnownReturns) -> np.ndarray:
    """Cents brought back: sales less fees, restocked goods at cost by grade, credits of vendors."""
    kept = known.ended[known.ended["code"] == RS]
    percent = GRADE_FACTOR_PCT[_latest_grade(known)[kept["receipt"].to_numpy()]]
    return _sold(known) + _asset_cents(known, kept, percent) + _vendor_credits(known)


def _sold(known: KnownReturns) -> np.ndarray:
    rows = known.world.goods.recoveries
    rows = rows[rows["seen"] < known.end]
    receipt = known.world.goods.dispositions["receipt"].to_numpy()[rows["disposition"]]
    euro = known.euro(rows["gross"] - rows["fees"], rows["currency"], rows["sold_at"])
    return total(known.line_of_receipt(receipt), euro, known.size)


def _vendor_credits(known: KnownReturns) -> np.ndarray:
    rows = known.world.goods.claims
    rows = rows[(rows["seen"] < known.end) & (rows["answered_at"] < known.end) & (rows["receipt"] >= 0)]
    return total(known.line_of_receipt(rows["receipt"]), rows["credited"].to_numpy(), known.size)


def original_cost(known: KnownReturns) -> np.ndarray:
    """Cents that the finally disposed units had cost."""
    return _asset_cents(known, known.ended, 100)


def _asset_cents(known: KnownReturns, rows: pd.DataFrame, percent: np.ndarray | int) -> np.ndarray:
    line = rows["line"].to_numpy()
    cents = rounded(rows["quantity"].to_numpy() * known.unit_cost[line] * percent, 10_000)
    return total(line, known.euro(cents, known.cost_currency[line], rows["disposed_at"]), known.size)


def _latest_grade(known: KnownReturns) -> np.ndarray:
    """Grade of every receipt by its latest known inspection; like new without one."""
    grade = np.full(len(known.world.goods.receipts), LIKE_NEW)
    rows = known.latest_inspections()
    grade[rows.index.to_numpy()] = GRADES[rows["functional"], rows["cosmetic"]]
    return grade
