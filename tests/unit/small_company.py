"""A company small enough to be worked out by hand: what a test doesn't say is as stated here.

An apparel style in four sizes (items 0 to 3) and an electronic item of another style (item 4), each
20.00 EUR and 500 g (item 4: 501 g, since it was weighed anew), sold from Leipzig in euro; a pound is
1.20 EUR throughout. The business date is 31 March 2025.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.company import DAY, NEVER, Company, Items, Rates, epoch
from simulator.refunds import Money
from simulator.returns import NORMAL, Goods
from simulator.truth import KnownReturns
from simulator.truth.every_kpi import KpiTruth
from simulator.world import World

START, END = dt.date(2025, 1, 1), dt.date(2025, 3, 31)
Row = Mapping[str, Any]


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Seconds of a time in 2025, UTC."""
    return epoch(dt.date(2025, month, day)) + hour * 3600 + minute * 60


SALE = {
    "order": 0, "line_no": 10, "ordered_at": at(2, 1), "shipped_at": at(2, 1), "voided_at": NEVER,
    "channel": 0, "category": 0, "site": 0, "quantity": 1, "window": 7, "currency": 0, "item": 0,
    "version": 0, "net": 10_000, "tax": 1900, "shipping": 500, "customer": 0, "serial": 0,
    "replaces": -1,
}  # fmt: skip
LINE = {
    "sale": 0, "item": 0, "category": 0, "channel": 0, "currency": 0, "ship_site": 0, "sold": 1,
    "net": 10_000, "tax": 1900, "unit_cost": 200_000, "fee_pct": 10, "path": NORMAL, "quantity": 1,
    "authorized": 1, "reason": 0, "resolution": 0, "request": 0, "request_line": 1, "rma": 0,
    "rma_line": 1, "tracking": 0, "customer": 0, "shipped_at": at(2, 1), "requested_at": at(2, 10),
    "decided_at": at(2, 10, 2), "cancelled_at": NEVER, "decision": 1, "authorized_at": at(2, 10, 2),
    "expires_at": at(3, 12, 2),
}  # fmt: skip
RECEIPT = {"line": 0, "part": 0, "quantity": 1, "received_at": at(2, 20, 9), "site": 0, "serial": -1}
INSPECTION = {
    "receipt": 0, "functional": 0, "cosmetic": 1, "minutes": 3000, "with_minutes": True,
    "confirmed_reason": 0, "inspected_at": at(2, 20, 11),
}  # fmt: skip
DISPOSITION = {
    "receipt": 0, "quantity": 1, "code": 0, "cost": 0, "currency": 0, "disposed_at": at(2, 21, 10, 30),
    "reverses": -1, "reversed_at": NEVER, "follows": -1,
}  # fmt: skip
RECOVERY = {"disposition": 0, "gross": 0, "fees": 0, "currency": 0, "sold_at": at(3, 1)}
CHARGE = {"tracking": 0, "amount": 600, "currency": 0, "invoiced_on": at(2, 25)}
SCAN = {"is_return": True, "number": 0, "code": 1, "at": at(2, 15, 12)}
WORK = {
    "receipt": 0, "type": 0, "opened_at": at(2, 21), "closed_at": at(2, 24), "minutes": 3000,
    "first_minutes": 600, "rate": 345_000, "parts": 125, "currency": 0,
}  # fmt: skip
CLAIM = {
    "receipt": 0, "item": 0, "claimed": 10_000, "credited": 8000, "answer": 1, "opened_at": at(2, 22),
    "answered_at": at(3, 22),
}  # fmt: skip
CASE = {"rma": 0, "csat": 0, "opened_at": at(2, 25), "closed_at": at(2, 26)}
TENDER = {
    "line": 0, "created_at": at(2, 22), "final_at": at(2, 23), "status": 1, "tender": 0, "amount": 11_900,
}  # fmt: skip
MEMO = {
    "line": 0, "sale": -1, "component": 0, "amount": 10_000, "posted_at": at(2, 22), "reverses": -1,
    "is_duplicate": False,
}  # fmt: skip
SETTLEMENT = {
    "line": 0, "sale": -1, "type": 0, "status": 1, "gross": -11_900, "fee": 0, "currency": 0,
    "booked_at": at(2, 23), "is_duplicate": False, "refund": -1, "due": 11_900,
}  # fmt: skip


def frame(default: Row, rows: Sequence[Row], seen: str | None = None) -> pd.DataFrame:
    """Rows with defaults; `id` counts them; `seen` is when each is known, if not said otherwise."""
    table = pd.DataFrame([{**default, **row} for row in rows], columns=[*default, *_more(default, rows)])
    table = table if len(rows) else table.astype({name: type(value) for name, value in default.items()})
    table["id"] = np.arange(len(table))
    if seen and "seen" not in table:
        table["seen"] = table[seen]
    return table


def _more(default: Row, rows: Sequence[Row]) -> list[str]:
    return sorted({name for row in rows for name in row} - default.keys())


def make_world(**tables: Sequence[Row]) -> World:
    """The company with these rows of its tables, e.g. make_world(sales=[{}], lines=[{"quantity": 2}])."""

    def rows(name: str) -> Sequence[Row]:
        return tables.pop(name, ())

    goods = Goods(
        frame(LINE, rows("lines")), frame(RECEIPT, rows("receipts"), "received_at"),
        frame(INSPECTION, rows("inspections"), "inspected_at"),
        frame(DISPOSITION, rows("dispositions"), "disposed_at"),
        frame(RECOVERY, rows("recoveries"), "sold_at"), frame(CHARGE, rows("charges"), "invoiced_on"),
        frame(SCAN, rows("scans"), "at"), frame(WORK, rows("work_orders"), "opened_at"),
        frame(CLAIM, rows("claims"), "opened_at"),
    )  # fmt: skip
    money = Money(
        tenders=frame(TENDER, rows("tenders")),
        memos=frame(MEMO, rows("memos"), "posted_at"),
        settlements=frame(SETTLEMENT, rows("settlements"), "booked_at"),
        credited=frame({"line": 0, "units": 1, "defect": 0}, rows("credited")),
        ledger=pd.DataFrame(),
    )
    world = World(
        Company(Path(), Path(), start=START, history_end=END, nights=0), make_items(), make_rates(),
        frame(SALE, rows("sales")), goods, money, frame(CASE, rows("cases"), "opened_at"),
    )  # fmt: skip
    assert not tables, f"no such tables: {sorted(tables)}"
    return world


def make_items() -> Items:
    """Four sizes of an apparel style, one electronic item."""
    first = np.array([epoch(START) // DAY])
    one = np.zeros((1, 5), dtype=int)
    # The file of day 20,089 weighs item 4 of five anew.
    return Items(
        first, one[0], one[0] + 1, np.array([[0, 0, 0, 0, 2]]), one + 200_000, one + 5000, one + 30, one,
        one[0] == 0, one[0] + 500, 5,
    )  # fmt: skip


def make_rates() -> Rates:
    """The same rates every day: euro, pound, dollar, krona."""
    table = np.tile([1_000_000, 1_200_000, 900_000, 90_000], (120, 1))
    return Rates(epoch(START) // DAY, pd.DataFrame(), table)


def known(**tables: Sequence[Row]) -> KnownReturns:
    """What is known of such a company at the end of the business date."""
    return KnownReturns(make_world(**tables), 0)


def cells(**tables: Sequence[Row]) -> dict[tuple[str, ...], tuple[str, str, str]]:
    """KPI cells: (kpi, basis, date, channel, category, site) to numerator, denominator, is_mature."""
    truth = KpiTruth()
    truth.add(known(**tables))
    return as_cells(truth)


def as_cells(truth: KpiTruth) -> dict[tuple[str, ...], tuple[str, str, str]]:
    """The cells of a truth, the currency left out."""
    key = ("kpi", "basis", "period_date", "channel", "product_category", "site")
    return {
        tuple(row[name] for name in key): (row["numerator"], row["denominator"], row["is_mature"])
        for row in truth.kpi_daily().to_pylist()
    }


def of(
    found: Mapping[tuple[str, ...], tuple[str, str, str]], kpi: str, basis: str
) -> dict[tuple[str, ...], tuple[str, str, str]]:
    """The cells of one KPI and basis: (date, channel, category, site) to its values."""
    return {key[2:]: value for key, value in found.items() if key[:2] == (kpi, basis)}
