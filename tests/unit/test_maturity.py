"""A cohort that is final stays as it is: what customers ask for in time has come by then."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np

from simulator.company import DAY, NEVER, Company, make_items, make_rates
from simulator.habits import DENSE
from simulator.orders import blocks
from simulator.returns import NORMAL
from simulator.run import make_world
from simulator.truth import KnownReturns
from simulator.truth.every_kpi import KpiTruth
from simulator.truth.sales import mature_on
from simulator.world import World

COMPANY = Company(
    Path(), Path(), order_lines=6000, seed=5, start=dt.date(2025, 1, 1), history_end=dt.date(2026, 1, 31),
    nights=0, dirt=0, habits=DENSE,
)  # fmt: skip


def test_what_was_asked_for_in_time_has_come_when_its_cohort_is_final() -> None:
    """In time: asked for within the window, which begins when the longest way there has passed, decided in 2
    days, handed over in 14, and 14 days on its way. Nobody states how long a second parcel may take.
    """
    late, in_time, ever = 0, 0, 0
    items, rates = make_items(COMPANY), make_rates(COMPANY)
    for block in blocks(COMPANY):
        world = make_world(COMPANY, items, rates, block)
        receipts, lines = world.goods.receipts, world.goods.lines
        line = lines.iloc[receipts["line"]].reset_index(drop=True)
        known = ((line["sale"] >= 0) & (line["path"] == NORMAL)).to_numpy()
        sale = world.sales.iloc[np.maximum(line["sale"], 0)]
        day, shipped = receipts["received_at"].to_numpy() // DAY, sale["shipped_at"].to_numpy()
        asked, dropped = line["requested_at"].to_numpy(), line["dropped_at"].to_numpy()
        decided = np.where(line["authorized_at"] < NEVER, line["authorized_at"], asked)
        within = (
            (asked // DAY <= shipped // DAY + 14 + sale["window"].to_numpy())
            & (decided // DAY - asked // DAY <= 2)
            & (dropped // DAY - decided // DAY <= 14)
            & (day - dropped // DAY <= 14)
            & known
        )
        is_late = day > mature_on(sale)
        ever += int((is_late & known).sum())
        in_time += int(within.sum())
        late += int((is_late & within).sum())
    assert in_time > 300
    assert late == 0
    # Who asks too late, or whose parcel takes longer than anybody states, can still come.
    assert ever < in_time / 50


# All that is told of a known return; who asks too late, and second parcels, can still come to a sale.
STATED = (
    "cost_per_return", "value_recovery_rate", "asset_recovery_rate", "restock_rate",
    "reason_confirmation_rate", "no_show_rate", "label_use_rate", "returnless_share",
    "contacts_per_return", "csat", "retained_revenue_ratio", "refund_ratio", "vendor_recovery_rate",
)  # fmt: skip
AFTER = 100  # days, after which all that is stated is over


def test_what_is_final_is_the_same_a_hundred_days_later() -> None:
    """The truth of two business dates: what the earlier calls final is what the later one has."""
    company = dataclasses.replace(
        COMPANY, order_lines=2500, history_end=dt.date(2025, 11, 30), nights=AFTER + 31
    )
    items, rates = make_items(company), make_rates(company)
    worlds = [make_world(company, items, rates, block) for block in blocks(company)]
    then, now = _cells(worlds, 30), _cells(worlds, 30 + AFTER)
    final = {cell: values for cell, values in then.items() if values["is_mature"] == "true"}
    assert {cell[0] for cell in final} >= set(STATED)
    assert [cell for cell, values in final.items() if now.get(cell) != values] == []
    assert len(final) > 500


def _cells(worlds: list[World], night: int) -> dict[tuple[str, ...], dict[str, str]]:
    truth = KpiTruth()
    for world in worlds:
        truth.add(KnownReturns(world, night))
    key = ("kpi", "basis", "period_date", "channel", "product_category", "site")
    values = ("numerator", "denominator", "is_mature")
    return {
        tuple(row[name] for name in key): {name: row[name] for name in values}
        for row in truth.kpi_daily().to_pylist()
        if row["kpi"] in STATED
    }
