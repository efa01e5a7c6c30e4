"""Contacts of customers with service: about a return, about a parcel that never came, about anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.company import DAY, HOUR, NEVER, Ids
from simulator.orders import Block
from simulator.returns import Goods

TOPICS = ("where_is_my_refund", "return_status", "never_arrived", "complaint", "other")
REFUND_TOPIC, STATUS_TOPIC, ARRIVAL_TOPIC, COMPLAINT_TOPIC, OTHER_TOPIC = range(5)
CASE_CHANNELS = ("phone", "email", "chat")
ABOUT_RETURN = 0.16  # cases per RMA, and half as many that ask a second time
ABOUT_ORDER = 0.006  # cases per order
ABOUT_ANYTHING = 0.002
COMPLAINERS = 37  # each so manieth customer says of every parcel that it never came


def make_cases(seed: int, block: Block, sales: pd.DataFrame, goods: Goods, ids: Ids) -> pd.DataFrame:
    """Cases: customer, order, rma (-1 without), topic, channel, opened_at, closed_at, csat (0 without).

    Besides `seen` and `is_late`. The score is given when the case is closed.
    """
    rng = np.random.default_rng([seed, 10, block.number])
    cases = pd.concat(
        [_about_returns(rng, goods.lines), _about_orders(rng, sales), _about_anything(rng, sales)],
        ignore_index=True,
    )
    size = len(cases)
    closed = cases["opened_at"].to_numpy() + rng.integers(HOUR // 4, 6 * DAY, size)
    is_open = rng.random(size) < 0.06
    cases["closed_at"] = np.where(is_open, NEVER, closed)
    cases["channel"] = rng.integers(0, len(CASE_CHANNELS), size)
    cases["csat"] = np.where(rng.random(size) < 0.45, rng.choice([1, 2, 3, 4, 4, 5, 5], size), 0)
    cases["csat"] = np.where(is_open, 0, cases["csat"])
    cases["id"] = ids.take("case", size)
    cases["seen"] = cases["opened_at"]
    cases["is_late"] = False
    return cases


def _about_returns(rng: np.random.Generator, lines: pd.DataFrame) -> pd.DataFrame:
    """Questions about an RMA; who has asked once at times asks again."""
    rmas = lines[lines["rma"] >= 0].drop_duplicates("rma")
    asks = _some(rng, len(rmas), ABOUT_RETURN, least=4)
    again = asks[rng.random(len(asks)) < 0.3]
    chosen = rmas.iloc[np.concatenate([asks, again])]
    wait = rng.integers(2 * HOUR, 25 * DAY, len(chosen))
    wait[len(asks) :] += 10 * DAY
    topic = np.where(rng.random(len(chosen)) < 0.6, REFUND_TOPIC, STATUS_TOPIC)
    return _frame(chosen, topic, chosen["authorized_at"].to_numpy() + wait, chosen["rma"].to_numpy())


def _about_orders(rng: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    orders = sales[sales["shipped_at"] < NEVER].drop_duplicates("order")
    asks = _some(rng, len(orders), ABOUT_ORDER, least=2)
    always = np.flatnonzero(orders["customer"].to_numpy() % COMPLAINERS == 5)
    chosen = orders.iloc[np.union1d(asks, always[rng.random(len(always)) < 0.8])]
    at = chosen["shipped_at"].to_numpy() + rng.integers(5 * DAY, 20 * DAY, len(chosen))
    return _frame(chosen, np.full(len(chosen), ARRIVAL_TOPIC), at, np.full(len(chosen), -1))


def _about_anything(rng: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    chosen = sales.iloc[_some(rng, len(sales), ABOUT_ANYTHING, least=2)]
    topic = np.where(rng.random(len(chosen)) < 0.5, COMPLAINT_TOPIC, OTHER_TOPIC)
    at = chosen["ordered_at"].to_numpy() + rng.integers(HOUR, 40 * DAY, len(chosen))
    cases = _frame(chosen, topic, at, np.full(len(chosen), -1))
    cases["order"] = np.where(topic == OTHER_TOPIC, -1, cases["order"])
    return cases


def _some(rng: np.random.Generator, size: int, share: float, least: int) -> np.ndarray:
    return rng.permutation(size)[: max(min(least, size // 4), round(size * share))]


def _frame(about: pd.DataFrame, topic: np.ndarray, at: np.ndarray, rma: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "customer": about["customer"].to_numpy(), "order": about["order"].to_numpy(), "rma": rma,
        "topic": topic, "opened_at": at,
    })  # fmt: skip
