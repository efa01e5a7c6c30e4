"""One simulation: blocks of orders through returns and refunds into files and truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.company import Company, Ids, make_items, make_rates
from simulator.exports import Exports
from simulator.feeds import World
from simulator.orders import blocks, make_sales
from simulator.refunds import make_money
from simulator.returns import make_goods
from simulator.truthfiles import Truth


@dataclass(frozen=True)
class Paths:
    """Where a simulation has put its files, in the order in which they are dropped."""

    landing: Path
    truth: Path
    files: list[Path]


def simulate(company: Company) -> Paths:
    """Write the company's exports and, apart, the truth; returns their places."""
    items, rates = make_items(company), make_rates(company)
    exports, truth = Exports(company), Truth(company)
    for block in blocks(company):
        ids = Ids(block.number)
        sales = make_sales(company, items, block, ids)
        goods = make_goods(company.seed, items, block, sales, ids)
        money = make_money(company.seed, rates, block, sales, goods, ids)
        world = World(company, items, rates, sales, goods, money)
        exports.write_block(world)
        truth.add(world)
    exports.write_masters(items, rates)
    files = exports.close()
    truth.finish(files)
    landed = [file.path(company.out) for file in files]
    return Paths(company.out, company.truth, landed)
