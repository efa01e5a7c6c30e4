"""One simulation: blocks of orders through returns and refunds into files and truth."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from simulator.company import Company, Ids, Items, Rates, make_items, make_rates
from simulator.exports import Exports, FileTruth
from simulator.feeds import World
from simulator.orders import Block, blocks, make_sales
from simulator.refunds import make_money
from simulator.returns import delay, make_goods
from simulator.truthfiles import Truth


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
    exports, truth = Exports(company, scratch), Truth(company)
    for block in blocks(company):
        world = make_world(company, items, rates, block)
        exports.write_block(world)
        truth.add(world)
    exports.write_masters(items, rates)
    files = exports.close()
    truth.finish(files)
    return files


def make_world(company: Company, items: Items, rates: Rates, block: Block) -> World:
    """Let a block of orders happen, with all that follows from it."""
    ids = Ids(block.number)
    sales = make_sales(company, items, block, ids)
    goods = make_goods(company.seed, items, block, sales, ids)
    if company.dirt > 0:
        delay(goods, [company.seed, 7, block.number], company.dirt, int(company.cutoffs[0]))
    money = make_money(company.seed, rates, block, sales, goods, ids, company.defects)
    return World(company, items, rates, sales, goods, money)
