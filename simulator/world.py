"""One block of the company with all that happened to it, and which of its rows a night exports."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from simulator.company import NEVER, Company, Items, Rates
from simulator.refunds import Money
from simulator.render import Text
from simulator.returns import Goods

# Feeds of which some rows come a night late, in a file of their own, and the tables of their rows.
LATE_FEEDS = (
    "wms_carrier_invoices", "wms_inspections", "wms_work_orders", "erp_vendor_claims", "crm_cases",
)  # fmt: skip
LATE_TABLES = ("charges", "inspections", "work_orders", "claims")


@dataclass(frozen=True)
class World:
    """One block with all that happened to it, and the company's shared tables."""

    company: Company
    items: Items
    rates: Rates
    sales: pd.DataFrame
    goods: Goods
    money: Money
    cases: pd.DataFrame

    def split(self, late: bool) -> World:
        """The same world with only those rows of the late feeds that are late, or are not."""
        goods = self.goods
        kept = {name: _only(getattr(goods, name), late) for name in LATE_TABLES}
        return replace(self, goods=replace(goods, **kept), cases=_only(self.cases, late))

    def start(self, night: int) -> int:
        """First second of what a night exports; the history takes all before."""
        return -NEVER if night == 0 else int(self.company.cutoffs[night - 1])

    def end(self, night: int) -> int:
        """First second after what a night exports."""
        return int(self.company.cutoffs[night])


@dataclass(frozen=True)
class Rows:
    """Rows of one export: the lines of text, and their control total in cents if the feed has one."""

    lines: Text
    records: int
    total: int = 0


def appended(world: World, table: pd.DataFrame, night: int) -> pd.DataFrame:
    """Rows of an append feed that a night brings."""
    seen = table["seen"].to_numpy()
    return table[(seen >= world.start(night)) & (seen < world.end(night))]


def changed(world: World, night: int, *versions: pd.Series | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a delta feed that are new or changed in a night, and their last change."""
    end = world.end(night)
    latest = np.full(len(versions[0]), -1, dtype=np.int64)
    for version in versions:
        times = np.asarray(version)
        latest = np.where(times < end, np.maximum(latest, times), latest)
    return np.flatnonzero(latest >= max(world.start(night), 0)), latest


def _only(table: pd.DataFrame, late: bool) -> pd.DataFrame:
    return table[table["is_late"] == late]
