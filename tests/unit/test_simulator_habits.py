"""A company by its defaults looks like one: within what surveys of online shops have published."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator import Company
from simulator.company import (
    CATEGORIES,
    DAY,
    INSPECTION_CENTS,
    NEVER,
    RECEIVING_CENTS,
    make_items,
    make_rates,
)
from simulator.habits import DENSE
from simulator.orders import blocks
from simulator.plans import has
from simulator.returns import PATHS
from simulator.run import make_world
from simulator.world import World

# Per cent of units; the README of the simulator names the surveys.
PUBLISHED = {
    "apparel": (20, 30), "footwear": (20, 30), "electronics": (8, 12), "home": (10, 15), "beauty": (5, 10),
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    """The history of 12,000 order lines, in memory."""
    typical = Company(Path(), Path(), order_lines=12_000)
    return make_world(typical, make_items(typical), make_rates(typical), next(iter(blocks(typical))))


def test_categories_come_back_as_surveys_say(world: World) -> None:
    sales, lines, receipts = world.sales, world.goods.lines, world.goods.receipts
    sales = sales[(sales["shipped_at"] < NEVER) & (sales["replaces"] < 0)]
    came = receipts.groupby("line")["quantity"].sum()
    back = lines.loc[came.index].assign(came=came).groupby("category")["came"].sum()
    rates = {
        name: 100 * back[number] / sales.loc[sales["category"] == number, "quantity"].sum()
        for number, name in enumerate(CATEGORIES)
    }
    outside = {n: rates[n] for n, (low, high) in PUBLISHED.items() if not low <= rates[n] <= high}
    assert outside == {}


def test_the_way_back_costs_more_than_looking_at_the_goods(world: World) -> None:
    goods = world.goods
    euro = goods.receipts.index[goods.receipts["site"] == 0]
    looks = goods.inspections[goods.inspections["receipt"].isin(euro)]
    inspected = (looks["minutes"] / 100 / 60 * INSPECTION_CENTS[0]).sum() / len(euro)
    freight = goods.charges[goods.charges["currency"] == 0]
    carried = freight["amount"].sum() / freight["tracking"].nunique()
    assert carried > inspected + RECEIVING_CENTS[0]


def test_the_way_back_costs_more_than_any_work_on_the_goods(world: World) -> None:
    goods = world.goods
    freight = goods.charges.loc[goods.charges["currency"] == 0, "amount"].sum() / 100
    work = goods.work_orders[(goods.work_orders["currency"] == 0) & (goods.work_orders["type"] < 2)]
    # Hundredths of a minute at ten-thousandths of a euro an hour, and parts in cents.
    repairs = (work["minutes"] / 100 / 60 * work["rate"] / 10_000).sum() + work["parts"].sum() / 100
    assert 0 < 2 * repairs < freight


def test_money_goes_wrong_in_one_to_three_of_a_hundred_refunds(world: World) -> None:
    wrong = world.money.credited["bits"] != 0
    joint = has(world.money.credited["bits"].to_numpy(), "joint_memo")
    assert 0.01 <= (wrong & ~joint).mean() <= 0.03


def test_few_requests_come_after_the_window(world: World) -> None:
    lines = world.goods.lines
    asked = lines[(lines["requested_at"] < NEVER) & (lines["path"] != PATHS.index("warranty"))]
    late = asked["requested_at"] - asked["shipped_at"] > asked["window"] * DAY
    assert 0 < late.mean() < 0.02


def test_serials_and_contents_are_nearly_always_right(world: World) -> None:
    receipts, looks = world.goods.receipts, world.goods.inspections
    read = receipts[receipts["serial"] >= 0]
    assert (read["serial_fate"] != 0).mean() < 0.02
    sent = world.goods.lines["item"].to_numpy()[receipts["line"].to_numpy()[looks["receipt"]]]
    assert (looks["item_found"].to_numpy() != sent).mean() < 0.01


def test_docks_are_closed_on_sundays(world: World) -> None:
    received = pd.to_datetime(world.goods.receipts["received_at"], unit="s")
    assert not (received.dt.dayofweek == 6).any()
    assert received.dt.dayofweek.nunique() == 6


def test_a_dense_company_has_what_a_typical_one_seldom_shows() -> None:
    dense = Company(Path(), Path(), order_lines=2_000, start=dt.date(2025, 6, 1), habits=DENSE)
    world = make_world(dense, make_items(dense), make_rates(dense), next(iter(blocks(dense))))
    assert (world.money.credited["bits"] != 0).mean() > 0.15
    assert np.isin(np.arange(4), world.goods.receipts["serial_fate"]).all()
