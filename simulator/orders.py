"""Sales order lines, block by block, in the order of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from simulator.company import (
    CATEGORIES,
    CHANNEL_SHARE,
    CHANNELS,
    COUNTRIES,
    COUNTRY_CURRENCY,
    COUNTRY_SHARE,
    COUNTRY_SITE,
    COUNTRY_TAX_PCT,
    DAY,
    ELECTRONICS,
    HOUR,
    NEVER,
    PRICE_FACTOR_PCT,
    Company,
    Ids,
    Items,
    day_weights,
    epoch,
    pick,
    rounded,
)
from simulator.render import Text, integer, number

DEFECTIVE_LOT_EVERY = 37  # items whose lot of DEFECTIVE_LOT_MONTH is bad
DEFECTIVE_LOT_MONTH = 7  # months since the start
LINE_STEP = 10  # line numbers go 10, 20, 30
SERIALS = 4  # serial numbers kept for each line: no line has more units


@dataclass(frozen=True)
class Block:
    """A stretch of order lines: its number, its lines' first index, and when they are ordered."""

    number: int
    first: int
    times: np.ndarray


def blocks(company: Company) -> Iterator[Block]:
    """Yield the history in blocks of at most `block_lines`, then one or more blocks a night.

    Raises ValueError when there are fewer than 10 order lines.
    """
    if company.order_lines < 10:
        raise ValueError("order_lines must be at least 10")
    weights = day_weights(company)
    edges = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    starts = epoch(company.start) + np.arange(len(edges)) * DAY
    for place, first in enumerate(range(0, company.order_lines, company.block_lines)):
        last = min(first + company.block_lines, company.order_lines)
        quantile = (np.arange(first, last) + 0.5) / company.order_lines
        yield Block(place, first, np.interp(quantile, edges, starts).astype(np.int64))
    daily = company.night_order_lines or max(4, round(company.order_lines * weights[-1] / weights.sum()))
    for night in range(1, company.nights + 1):
        for first in range(0, daily, company.block_lines):
            count = min(company.block_lines, daily - first)
            spread = (first + np.arange(count) + 0.5) / daily * (DAY - 4 * HOUR)
            start = epoch(company.history_end + dt.timedelta(days=night))
            # Night blocks have numbers of their own, so that history doesn't depend on the nights.
            yield Block(
                100_000 * night + first // company.block_lines,
                first,
                (start + spread).astype(np.int64),
            )


def make_sales(company: Company, items: Items, block: Block, ids: Ids) -> pd.DataFrame:
    """Make the block's sales lines.

    Columns: order, line_no, ordered_at, shipped_at, voided_at, customer, country, channel, item,
    version, category, quantity, unit_price, discount, net, tax, shipping, currency, unit_cost, lot_month,
    is_bad_lot, is_second_size, serial, site, window, fee_pct, replaces (an RMA, -1).
    """
    rng = np.random.default_rng([company.seed, 3, block.number])
    size = len(block.times)
    order = _orders(rng, size)
    sales = _order_columns(company, rng, block, order)
    sales["order"] = ids.take("order", int(order[-1]) + 1)[order]
    sales["line_no"] = LINE_STEP * (1 + np.arange(size) - np.searchsorted(order, order))
    _add_item_columns(company, items, rng, sales)
    _add_amounts(items, rng, sales)
    _add_fate(company, rng, sales)
    sales["serial"] = ids.take("serial", SERIALS * size)[::SERIALS]
    sales["replaces"] = -1
    return sales


def _orders(rng: np.random.Generator, size: int) -> np.ndarray:
    """Number of the order that each line belongs to, counted from 0."""
    lines = pick(rng, np.array([0.60, 0.25, 0.10, 0.05]), size) + 1
    return np.repeat(np.arange(size), lines)[:size]


def _order_columns(
    company: Company, rng: np.random.Generator, block: Block, order: np.ndarray
) -> pd.DataFrame:
    count = int(order[-1]) + 1
    first = np.searchsorted(order, np.arange(count))
    # Up to three hours of scatter; a night's orders stay inside the night.
    ordered = block.times[first] + rng.integers(0, 3 * HOUR, count)
    country = pick(rng, COUNTRY_SHARE, count)
    customers = max(20, company.order_lines // 5)
    customer = _living_in(rng, country, (rng.random(count) ** 1.3 * customers).astype(np.int64), customers)
    return pd.DataFrame(
        {
            "ordered_at": unambiguous(ordered)[order],
            "country": country[order],
            "channel": pick(rng, CHANNEL_SHARE, count)[order],
            "customer": customer[order],
            "currency": COUNTRY_CURRENCY[country][order],
            "site": COUNTRY_SITE[country][order],
            "shipped_at": unambiguous(ordered + rng.integers(4 * HOUR, 3 * DAY, count))[order],
        }
    )


def _living_in(
    rng: np.random.Generator, country: np.ndarray, customer: np.ndarray, customers: int
) -> np.ndarray:
    """Customers of the orders' countries; the master's country is the number's rest. Some send gifts."""
    at_home = customer - customer % len(COUNTRIES) + country
    at_home = np.where(at_home < customers, at_home, at_home - len(COUNTRIES))
    return np.where(rng.random(len(customer)) < 0.04, customer, at_home)


def unambiguous(seconds: np.ndarray) -> np.ndarray:
    """Move times of the repeated hour in October to its first pass: local files can't tell them."""
    seconds = np.asarray(seconds, dtype=np.int64)
    for year in (2024, 2025, 2026, 2027, 2028):
        last = dt.date(year, 10, 31)
        sunday = last - dt.timedelta(days=(last.weekday() + 1) % 7)
        repeated = epoch(sunday) + HOUR
        inside = (seconds >= repeated) & (seconds < repeated + HOUR)
        seconds = np.where(inside, seconds - HOUR, seconds)
    return seconds


def _add_item_columns(company: Company, items: Items, rng: np.random.Generator, sales: pd.DataFrame) -> None:
    item = (rng.random(len(sales)) ** 1.5 * items.sold).astype(np.int64)
    # Some orders have the same item on two lines.
    again = (rng.random(len(sales)) < 0.03) & (sales["line_no"] > LINE_STEP).to_numpy()
    item[1:] = np.where(again[1:], item[:-1], item[1:])
    sales["is_second_size"] = second = _second_sizes(company, items, sales, item)
    item[1:] = np.where(second[1:], items.other_size(item[:-1]), item[1:])
    version = items.version(sales["ordered_at"].to_numpy())
    month = (sales["ordered_at"].to_numpy() - epoch(company.start)) // (30 * DAY)
    sales["item"] = item
    sales["version"] = version
    sales["category"] = items.category[version, item]
    sales["window"] = items.window[version, item]
    sales["fee_pct"] = items.fee_pct[version, item]
    sales["lot_month"] = month
    sales["is_bad_lot"] = (item % DEFECTIVE_LOT_EVERY == 5) & (month == DEFECTIVE_LOT_MONTH)


def _second_sizes(company: Company, items: Items, sales: pd.DataFrame, item: np.ndarray) -> np.ndarray:
    """Lines that hold another size of the line before: the customer keeps the one that fits."""
    first = sales["line_no"].to_numpy() == LINE_STEP
    rng = np.random.default_rng([company.seed, 8, int(sales["order"].iloc[0])])
    chosen = (rng.random(len(sales)) < 0.06) & ~first
    before = np.roll(item, 1)
    return chosen & ~np.roll(chosen, 1) & (items.other_size(before) != before)


def _add_amounts(items: Items, rng: np.random.Generator, sales: pd.DataFrame) -> None:
    size = len(sales)
    factor = PRICE_FACTOR_PCT[sales["currency"].to_numpy()]
    version, item = sales["version"].to_numpy(), sales["item"].to_numpy()
    quantity = pick(rng, np.array([0.70, 0.18, 0.08, 0.04]), size) + 1
    price = rounded(items.list_price[version, item] * factor, 100)
    gross = price * quantity
    percent = np.where(rng.random(size) < 0.25, rng.integers(5, 35, size), 0)
    discount = rounded(gross * percent, 100)
    net = gross - discount
    sales["quantity"] = quantity
    sales["unit_price"] = price
    sales["discount"] = discount
    sales["net"] = net
    sales["tax"] = rounded(net * COUNTRY_TAX_PCT[sales["country"].to_numpy()], 100)
    sales["shipping"] = np.where(net < rounded(6000 * factor, 100), rounded(495 * factor, 100), 0)
    sales["unit_cost"] = rounded(items.unit_cost[version, item] * factor, 100)


def _add_fate(company: Company, rng: np.random.Generator, sales: pd.DataFrame) -> None:
    """A few lines are cancelled before they ship; a few of an order ship days later."""
    size = len(sales)
    shipped = sales["shipped_at"].to_numpy()
    late = rng.random(size) < 0.04
    shipped = unambiguous(np.where(late, shipped + rng.integers(DAY, 9 * DAY, size), shipped))
    voided = rng.random(size) < 0.015
    sales["voided_at"] = np.where(voided, shipped, NEVER)
    sales["shipped_at"] = np.where(voided, NEVER, shipped)


def sku_texts(items: Items) -> list[str]:
    """SKU of every item; stable, some with a leading zero."""
    first = items.category[0]
    return [
        f"{index:06d}" if index % 50 == 3 else f"{CATEGORIES[first[index]][:3].upper()}-{index:05d}"
        for index in range(items.category.shape[1])
    ]


def lot_texts(sales: pd.DataFrame) -> Text:
    """Lot of a line: its item and month; German lots carry an umlaut."""
    prefix = pc.if_else(pa.array((sales["country"] == 0).to_numpy()), "KÖ", "L")
    return pc.binary_join_element_wise(
        prefix, integer(sales["item"]), integer(sales["lot_month"].clip(lower=0)), "-"
    )


def serial_texts(sales: pd.DataFrame) -> Text:
    """Serial numbers of electronics, joined by a bar."""
    first, quantity = sales["serial"].to_numpy(), sales["quantity"].to_numpy()
    electronic = (sales["category"] == ELECTRONICS).to_numpy()
    joined = number("SN", np.where(electronic, first, -1))
    for place in range(1, SERIALS):
        more = number("|SN", np.where(electronic & (quantity > place), first + place, -1))
        joined = pc.binary_join_element_wise(joined, pc.fill_null(more, ""), "")
    return joined


__all__ = [
    "CHANNELS",
    "Block",
    "blocks",
    "lot_texts",
    "make_sales",
    "serial_texts",
    "sku_texts",
    "unambiguous",
]
