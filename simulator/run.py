"""One simulation: blocks of orders through returns and refunds into files and truth."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from simulator.company import Company, Ids, Items, Rates, make_items, make_rates
from simulator.exchanges import make_exchanges
from simulator.exports import Exports, FileTruth
from simulator.orders import Block, blocks, make_sales
from simulator.refunds import make_money
from simulator.returns import delay, make_goods, outbound_scans
from simulator.service import make_cases
from simulator.stock import Stock
from simulator.truthfiles import Truth
from simulator.world import World


@dataclass(frozen=True)
class Paths:
    """Where a simulation has put its files, in the order in which they are dropped."""

    landing: Path
    truth: Path
    files: list[Path]


def simulate(company: Company) -> Paths:
    """Write the company's exports and, apart, the truth; returns their places."""
    with tempfile.TemporaryDirectory() as scratch:
        files = _simulate(company, Path(scratch))
    landed = [file for file in files if file.night in company.written]
    return Paths(company.out, company.truth, [file.path for file in landed])


def _simulate(company: Company, scratch: Path) -> list[FileTruth]:
    items, rates = make_items(company), make_rates(company)
    exports, truth, stock = Exports(company, scratch), Truth(company), Stock(company)
    for block in blocks(company):
        world = make_world(company, items, rates, block)
        exports.write_block(world)
        truth.add(world)
        stock.add(world.goods)
    exports.write_masters(items, rates)
    exports.write_stock(items, stock)
    files = exports.close()
    truth.add_stock(items, rates, stock)
    truth.finish(files)
    return files


def make_world(company: Company, items: Items, rates: Rates, block: Block) -> World:
    """Let a block of orders happen, with all that follows from it."""
    ids = Ids(block.number)
    sales = make_sales(company, items, block, ids)
    goods = make_goods(company.seed, company.habits, items, block, sales, ids)
    cases = make_cases(company.seed, block, sales, goods, ids)
    if company.dirt > 0:
        delay(goods, cases, [company.seed, 7, block.number], company.dirt, int(company.cutoffs[0]))
    money = make_money(company.seed, rates, block, sales, goods, ids, company.habits, company.defects)
    exchanges = make_exchanges(company, items, block, sales, goods, money, ids)
    goods.scans = pd.concat([goods.scans, outbound_scans(company.seed, block, exchanges)], ignore_index=True)
    sales = pd.concat([sales, exchanges], ignore_index=True)
    return World(company, items, rates, sales, goods, money, cases)
