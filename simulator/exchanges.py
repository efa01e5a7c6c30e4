"""Orders that replace returned goods: in another size where there is one; some cost more, or less."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.balances import mark_sent, price
from simulator.company import (
    CATEGORIES,
    COUNTRY_SITE,
    DAY,
    EXCHANGE,
    HOUR,
    NEVER,
    PRICE_FACTOR_PCT,
    Company,
    Ids,
    Items,
    epoch,
    rounded,
)
from simulator.orders import LINE_STEP, SERIALS, Block, unambiguous
from simulator.refunds import Money
from simulator.returns import Goods

SIZED = (CATEGORIES.index("apparel"), CATEGORIES.index("footwear"))


def make_exchanges(
    company: Company,
    items: Items,
    block: Block,
    sales: pd.DataFrame,
    goods: Goods,
    money: Money,
    ids: Ids,
) -> pd.DataFrame:
    """Sales lines of orders that replace goods credited as an exchange; columns as of `sales`.

    Ordered with the credit and shipped after it, at the price of the first order or the share of it that is
    noted with the credit; what was sent is noted there, too.
    """
    rng = np.random.default_rng([company.seed, 11, block.number])
    credited = _credited_with_goods(goods, money)
    line = goods.lines.iloc[credited["line"].to_numpy()]
    old, size = sales.iloc[line["sale"].to_numpy()].reset_index(drop=True), len(line)
    new = old.copy()
    new["quantity"] = credited["units"].to_numpy()
    new["replaces"] = line["rma"].to_numpy()
    new["order"] = ids.take("order", size)
    new["line_no"] = LINE_STEP
    new["ordered_at"] = unambiguous(credited["at"].to_numpy() + rng.integers(60, HOUR, size))
    new["shipped_at"] = unambiguous(new["ordered_at"].to_numpy() + rng.integers(4 * HOUR, 3 * DAY, size))
    new["voided_at"] = NEVER
    new["site"] = COUNTRY_SITE[new["country"].to_numpy()]
    new["serial"] = ids.take("serial", SERIALS * size)[::SERIALS]
    new["is_second_size"] = False
    _add_item(company, items, new)
    _add_amounts(new, old, credited["price_pct"].to_numpy())
    mark_sent(money.credited, new.set_index(credited.index))
    return new


def _credited_with_goods(goods: Goods, money: Money) -> pd.DataFrame:
    received = np.bincount(goods.receipts["line"], goods.receipts["quantity"], len(goods.lines))
    line = money.credited["line"].to_numpy()
    is_exchange = goods.lines["resolution"].to_numpy()[line] == EXCHANGE
    has_rma = goods.lines["rma"].to_numpy()[line] >= 0
    return money.credited[is_exchange & has_rma & (received[line] > 0)]


def _add_item(company: Company, items: Items, new: pd.DataFrame) -> None:
    item = new["item"].to_numpy()
    item = np.where(np.isin(new["category"], SIZED), items.other_size(item), item)
    version = items.version(new["ordered_at"].to_numpy())
    new["item"], new["version"] = item, version
    new["category"] = items.category[version, item]
    new["window"] = items.window[version, item]
    new["fee_pct"] = items.fee_pct[version, item]
    factor = PRICE_FACTOR_PCT[new["currency"].to_numpy()]
    new["unit_cost"] = rounded(items.unit_cost[version, item] * factor, 100)
    new["lot_month"] = (new["ordered_at"].to_numpy() - epoch(company.start)) // (30 * DAY)
    new["is_bad_lot"] = False


def _add_amounts(new: pd.DataFrame, old: pd.DataFrame, price_pct: np.ndarray) -> None:
    """The share of the first order's price that the units have; shipping is free."""
    net, tax = price(old, new["quantity"].to_numpy(), price_pct)
    # Never below what is paid for them
    new["unit_price"] = -(-new["unit_price"] * np.maximum(price_pct, 100) // 100)
    new["discount"] = new["unit_price"] * new["quantity"] - net
    new["net"], new["tax"] = net, tax
    new["shipping"] = 0
