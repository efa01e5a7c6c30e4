"""The simulator's truth against figures worked out by hand, for a company of three orders.

Order A (web, apparel, LEJ, EUR): two units at 100.00 net and 19.00 tax, both come back on 20 February.
One is restocked on the 21st, one is held in quarantine. The refund is right.
Order B (store, home, MAN, GBP): one unit, kept.
Order C (web, apparel, LEJ, EUR): three units at 30.00 net and 5.70 tax; one is refunded without return,
and the memo refunds shipping of 4.95 besides. The reconciliation of such cases is in
test_reconciliation_truth.py.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.company import DAY, NEVER, QU, RS, Company, Items, Rates, epoch
from simulator.refunds import Money
from simulator.returns import NORMAL, RETURNLESS, Goods
from simulator.truth import KnownReturns
from simulator.truth.cycle import figures
from simulator.truth.cycle_spans import CENSORED, COMPETING, EVENT
from simulator.truth.every_kpi import KpiTruth
from simulator.world import World
from tests.unit.small_company import CASE, CLAIM, SCAN, WORK, frame

END = dt.date(2025, 3, 31)


def at(month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    """Seconds of a time in 2025, UTC."""
    return epoch(dt.date(2025, month, day)) + hour * 3600 + minute * 60


@pytest.fixture()
def world() -> World:
    """The company of three orders."""
    company = Company(Path(), Path(), start=dt.date(2025, 1, 1), history_end=END, nights=0)
    months = np.array([epoch(dt.date(2025, 1, 1)) // DAY])
    one = np.zeros((1, 2), dtype=int)
    items = Items(
        months, one[0], one[0] + 1, np.array([[0, 3]]), one + 200_000, one + 5000, one + 30,
        one, one[0] == 0, one[0] + 100, 2,
    )  # fmt: skip
    first = int(months[0])
    table = np.tile([1_000_000, 1_200_000, 900_000, 90_000], (120, 1))
    rates = Rates(first, pd.DataFrame(), table)
    return World(company, items, rates, _sales(), _goods(), _money(), frame(CASE, [], "opened_at"))


def _sales() -> pd.DataFrame:
    return pd.DataFrame({
        "order": [0, 1, 2], "line_no": 10, "shipped_at": [at(2, 1), at(2, 3), at(3, 25)],
        "channel": [0, 1, 0], "category": [0, 3, 0], "site": [0, 1, 0], "quantity": [2, 1, 3],
        "window": 11, "currency": [0, 1, 0], "item": [0, 1, 0], "ordered_at": [at(2, 1), at(2, 3), at(3, 25)],
        "net": [10_000, 5000, 3000], "tax": [1900, 1000, 570], "shipping": [0, 0, 495], "version": 0,
        "customer": 0, "serial": 0, "replaces": -1,
    })  # fmt: skip


def _goods() -> Goods:
    lines = pd.DataFrame({
        "sale": [0, 2], "item": 0, "category": 0, "channel": 0, "currency": 0, "sold": [2, 3],
        "ship_site": 0, "customer": 0, "shipped_at": [at(2, 1), at(3, 25)],
        "net": [10_000, 3000], "tax": [1900, 570], "unit_cost": 200_000, "fee_pct": 10,
        "path": [NORMAL, RETURNLESS], "quantity": [2, 1], "authorized": [2, 0], "reason": 0,
        "resolution": 0, "request": [0, 1], "request_line": 1, "rma": [0, -1], "rma_line": [1, -1],
        "tracking": [0, -1], "requested_at": [at(2, 10, 10), at(3, 28)],
        "decided_at": [at(2, 10, 12), at(3, 28, 1)], "cancelled_at": NEVER, "decision": 1,
        "authorized_at": [at(2, 10, 12), NEVER], "expires_at": [at(3, 12, 12), NEVER],
    })  # fmt: skip
    receipts = pd.DataFrame({
        "line": [0], "quantity": 2, "received_at": at(2, 20, 9), "seen": at(2, 20, 9), "site": 0, "id": 0,
        "serial": -1, "part": 0,
    })  # fmt: skip
    inspections = pd.DataFrame({
        "receipt": [0], "functional": 0, "cosmetic": 1, "minutes": 3000, "with_minutes": True,
        "inspected_at": at(2, 20, 11), "seen": at(2, 20, 11), "id": 0, "confirmed_reason": 0,
    })  # fmt: skip
    dispositions = pd.DataFrame({
        "receipt": [0, 0], "quantity": 1, "code": [RS, QU], "cost": [85, 40], "currency": 0,
        "disposed_at": at(2, 21, 10, 30), "seen": at(2, 21, 10, 30), "reverses": -1, "id": [0, 1],
    })  # fmt: skip
    recoveries = pd.DataFrame({
        "disposition": pd.Series(dtype=int), "gross": pd.Series(dtype=int),
        "fees": pd.Series(dtype=int), "currency": pd.Series(dtype=int),
        "sold_at": pd.Series(dtype=int), "seen": pd.Series(dtype=int),
    })  # fmt: skip
    charges = pd.DataFrame({
        "tracking": [0], "amount": 600, "currency": 0, "invoiced_on": at(2, 25), "seen": at(2, 25),
    })  # fmt: skip
    return Goods(
        lines, receipts, inspections, dispositions, recoveries, charges, frame(SCAN, [], "at"),
        frame(WORK, [], "opened_at"), frame(CLAIM, [], "opened_at"),
    )  # fmt: skip


def _money() -> Money:
    tenders = pd.DataFrame({
        "line": [0, 1], "created_at": [at(2, 22), at(3, 28, 2)], "final_at": [at(2, 23), at(3, 29)],
        "status": 1, "tender": 0, "amount": [11_900, 1685],
    })  # fmt: skip
    memos = pd.DataFrame({
        "line": [0, 0, 1, 1, 1], "component": [0, 1, 0, 1, 2], "amount": [10_000, 1900, 1000, 190, 495],
        "posted_at": [at(2, 22)] * 2 + [at(3, 28)] * 3, "reverses": -1, "is_duplicate": False,
    })  # fmt: skip
    memos["sale"] = -1
    memos["seen"] = memos["posted_at"]
    settlements = pd.DataFrame({
        "line": [0, 1], "type": 0, "status": 1, "gross": [-11_900, -1685], "fee": [-50, 0],
        "currency": 0, "booked_at": [at(2, 23), at(3, 29)], "is_duplicate": False, "refund": [0, 1],
        "due": [11_900, 1685], "id": [0, 1],
    })  # fmt: skip
    settlements["sale"] = -1
    settlements["seen"] = settlements["booked_at"]
    credited = pd.DataFrame({"line": [0, 1], "units": [2, 1], "defect": [0, 9]})
    return Money(tenders, memos, settlements, credited, pd.DataFrame())


@pytest.fixture()
def cells(world: World) -> pd.DataFrame:
    """KPI cells as published, by kpi, basis, day and site."""
    truth = KpiTruth()
    truth.add(KnownReturns(world, 0))
    return truth.kpi_daily().to_pandas().set_index(["kpi", "basis", "period_date", "site"]).sort_index()


def test_sale_cohorts_count_what_came_back_of_what_was_shipped(cells: pd.DataFrame) -> None:
    rate = cells.loc["product_return_rate", "SALE"][["numerator", "denominator", "is_mature"]]
    # 14 days there, 11 of the window, 2 to decide, 14 to hand over, 14 back: 28 and 30 March.
    assert rate.loc["2025-02-01", "LEJ"].tolist() == ["2", "2", "true"]
    assert rate.loc["2025-02-03", "MAN"].tolist() == ["0", "1", "true"]
    assert rate.loc["2025-03-25", "LEJ"].tolist() == ["0", "3", "false"]


def test_units_received_count_on_the_day_they_come(cells: pd.DataFrame) -> None:
    rate = cells.loc["product_return_rate", "RETURN"]
    assert rate.loc[("2025-02-20", "LEJ"), "numerator"] == "2"
    assert rate.loc[("2025-02-01", "LEJ"), "denominator"] == "2"


@pytest.mark.parametrize(
    ("kpi", "numerator", "denominator"),
    [
        ("cost_per_return.freight", "3.00", "1"),
        ("cost_per_return.receiving", "1.20", "1"),
        ("cost_per_return.inspection", "7.00", "1"),
        ("cost_per_return.handling", "0.63", "1"),
        ("cost_per_return.payment_fee", "0.25", "1"),
        ("cost_per_return.storage", "0.02", "1"),
        ("cost_per_return", "12.10", "1"),
        ("return_cost_in_process", "12.08", "1"),
        ("value_recovery_rate", "18.00", "12.10"),
        ("asset_recovery_rate", "18.00", "20.00"),
    ],
)
def test_half_of_the_line_is_closed(cells: pd.DataFrame, kpi: str, numerator: str, denominator: str) -> None:
    cell = cells.loc[kpi, "RETURN", "2025-02-20", "LEJ"]
    assert (cell["numerator"], cell["denominator"]) == (numerator, denominator)
    assert cell["is_mature"] == "false"


def test_an_open_unit_is_censored_in_the_cycle_time(cells: pd.DataFrame) -> None:
    # 10 Feb 10:00 to 21 Feb 10:30 is 264 whole hours; to the end of 31 March it is 1,190.
    cell = cells.loc["return_cycle_time", "REQUEST", "2025-02-10", "LEJ"]
    assert (cell["numerator"], cell["denominator"]) == (str(264 + 1190), "1")


def test_returnless_lines_have_no_cycle_time(cells: pd.DataFrame) -> None:
    assert len(cells.loc["return_cycle_time"]) == 1


def test_kaplan_meier_of_a_textbook_sample() -> None:
    # Events at 6 (3 units), 7, 10, 13; censored at 6, 9, 10; one leaves otherwise at 11.
    spans = pd.DataFrame(
        [(6, EVENT, 3), (6, CENSORED, 1), (7, EVENT, 1), (9, CENSORED, 1), (10, EVENT, 1),
         (10, CENSORED, 1), (11, COMPETING, 1), (13, EVENT, 1)],
        columns=["hours", "kind", "units"],
    )  # fmt: skip
    # At risk 10, 6, 4, 1: S(6) = 7/10, S(7) = 7/12, S(10) = 7/16, S(13) = 0.
    assert figures(spans) == (10, 6, 3, 1, 10, 13)


def test_a_quantile_that_is_not_reached_is_nothing() -> None:
    spans = pd.DataFrame([(5, EVENT, 1), (9, CENSORED, 3)], columns=["hours", "kind", "units"])
    assert figures(spans)[4:6] == (None, None)


def test_a_quantile_that_is_met_exactly_counts() -> None:
    spans = pd.DataFrame([(5, EVENT, 1), (9, CENSORED, 1)], columns=["hours", "kind", "units"])
    assert figures(spans)[4] == 5
