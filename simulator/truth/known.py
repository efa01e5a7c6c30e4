"""What is known of one block's returns at the end of a business date.

Nothing here reads a file or shares code with the pipeline. Cents, units and hours are integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.company import DAY, DECISION_DAYS, HAND_OVER_DAYS, IS_FINAL, NEVER, TRANSIT_DAYS
from simulator.refunds import SUCCEEDED
from simulator.returns import RETURNLESS
from simulator.truth.kpis import NO_CATEGORY, NO_CHANNEL, NO_SITE, NOT_RECEIVED, Where
from simulator.world import World

ON_THE_WAY = (1, 2, 3, 4)  # scans from the drop-off to the delivery


def total(index: pd.Series | np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sum integer values by index, exactly."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, np.asarray(index), np.asarray(values, dtype=np.int64))
    return sums


@dataclass
class KnownReturns:
    """One block's return lines as known at the end of a business date.

    Frames of what has come: `receipts`, `dispositions`, `ended` (final ones that stand), `inspections`,
    `shipped` (sales lines). Arrays by line: `received`, `disposed`, `expected`, `expired`, `open` units;
    `first_at`, `site` of the first receipt; `basis_at`; `reason` (-1 unknown); masks `is_there`,
    `is_counted`, `is_returnless`; `where`: channel, category and the site that had shipped it.
    """

    world: World
    night: int

    def __post_init__(self) -> None:
        goods, end = self.world.goods, self.end
        self.lines = goods.lines
        self.size = len(self.lines)
        self.receipts = goods.receipts[goods.receipts["seen"] < end]
        self.inspections = goods.inspections[goods.inspections["seen"] < end]
        self.shipped = self.world.sales[self.world.sales["shipped_at"] < end]
        self.dispositions = self._dispositions()
        self._receive()
        self._decide()
        self._describe()

    @property
    def end(self) -> int:
        """First second after the business date."""
        return self.world.end(self.night)

    @property
    def today(self) -> int:
        """Day number of the business date."""
        return self.end // DAY - 1

    def column(self, name: str) -> np.ndarray:
        """A column of the lines."""
        return self.lines[name].to_numpy()

    def line_of_receipt(self, receipt: pd.Series | np.ndarray) -> np.ndarray:
        """Line of each receipt."""
        return self.world.goods.receipts["line"].to_numpy()[np.asarray(receipt)]

    def _dispositions(self) -> pd.DataFrame:
        """Known dispositions, with `line` and `is_ended`: final, not reversed and no reversal."""
        known = self.world.goods.dispositions
        known = known[known["seen"] < self.end].copy()
        reversals = known["reverses"].to_numpy()
        taken_back = np.isin(known.index.to_numpy(), reversals[reversals >= 0])
        known["line"] = self.line_of_receipt(known["receipt"])
        known["is_ended"] = IS_FINAL[known["code"]] & ~taken_back & (reversals < 0)
        return known

    def _receive(self) -> None:
        line = self.receipts["line"].to_numpy()
        self.received = total(line, self.receipts["quantity"], self.size)
        self.first_at = np.full(self.size, NEVER)
        np.minimum.at(self.first_at, line, self.receipts["received_at"].to_numpy())
        self.last_at = np.full(self.size, -1)
        np.maximum.at(self.last_at, line, self.receipts["received_at"].to_numpy())
        first = self.receipts.sort_values(["received_at", "id"]).drop_duplicates("line")
        self.site = np.full(self.size, NOT_RECEIVED)
        self.site[first["line"].to_numpy()] = first["site"].to_numpy()
        self.ended = self.dispositions[self.dispositions["is_ended"]]
        self.disposed = total(self.ended["line"], self.ended["quantity"], self.size)

    def _decide(self) -> None:
        end = self.end
        requested = (self.column("request") >= 0) & (self.column("requested_at") < end)
        decided = requested & (self.column("decided_at") < end)
        self.cancelled = self.column("cancelled_at") < end
        self.refused = decided & np.isin(self.column("decision"), (2, 3))
        self.has_rma = (self.column("rma") >= 0) & (self.column("authorized_at") < end)
        self.is_there = requested | self.has_rma | (self.received > 0)
        self.is_counted = self.is_there & ~self.refused & ~self.cancelled
        asked = np.where(requested, self.column("quantity"), 0)
        expected = np.where(self.has_rma, self.column("authorized"), asked)
        self.expected = np.maximum(expected, self.received)
        lapsed = self.has_rma & (self.column("expires_at") < end) & self.is_counted
        self.expired = np.where(lapsed, np.maximum(self.expected - self.received, 0), 0)
        self.is_returnless = np.zeros(self.size, dtype=bool)
        tenders = self.world.money.tenders
        granted = tenders[(tenders["created_at"] < end) & (tenders["line"] >= 0)]["line"].to_numpy()
        self.is_returnless[granted] = self.column("path")[granted] == RETURNLESS

    def _version_at_sale(self) -> np.ndarray:
        return self.world.sales["version"].to_numpy()[self.column("sale")]

    def _describe(self) -> None:
        attributed = self.column("sale") >= 0
        items, item = self.world.items, self.column("item")
        now = items.version(np.array([self.end - 1]))[0]
        self.channel = np.where(attributed, self.column("channel"), NO_CHANNEL)
        self.category = np.where(attributed, self.column("category"), items.category[now, item])
        self.version = np.where(attributed, self._version_at_sale(), now)
        self.unit_cost = np.where(attributed, self.column("unit_cost"), items.unit_cost[now, item])
        self.cost_currency = np.where(attributed, self.column("currency"), 0)
        requested, authorized = self.column("requested_at"), self.column("authorized_at")
        self.basis_at = np.where(
            requested < NEVER, requested, np.where(authorized < NEVER, authorized, self.first_at)
        )
        self.net = self._net_of_sale()
        left = self.expected - self.expired - self.disposed
        self.open = np.where(self.is_counted & ~self.is_returnless, np.maximum(left, 0), 0)
        stated = (self.column("request") >= 0) | (self.column("rma") >= 0)
        self.reason = np.where(stated, self.column("reason"), -1)
        site = np.where(attributed, self.column("ship_site"), NO_SITE)
        self.where = Where(self.channel, self.category, site)

    def _net_of_sale(self) -> np.ndarray:
        """Cents of the reporting currency that the whole sales line had brought; 0 where it is unknown."""
        sold = self.column("sale") >= 0
        sales = self.world.sales.iloc[np.where(sold, self.column("sale"), 0)]
        return np.where(sold, self.euro(sales["net"], sales["currency"], sales["ordered_at"]), 0)

    def where_received(self) -> Where:
        """Channel and category of each known receipt's line, and the receipt's own site."""
        line = self.receipts["line"].to_numpy()
        return Where(self.channel[line], self.category[line], self.receipts["site"].to_numpy())

    def settlements(self) -> pd.DataFrame:
        """Known movements of the processor that moved money, but for its own fees and payouts."""
        rows = self.world.money.settlements
        return rows[(rows["seen"] < self.end) & (rows["status"] == SUCCEEDED) & (rows["line"] >= -1)]

    def asked_at(self) -> np.ndarray:
        """First that is known of each line: asked for, authorized, handed to the carrier or received."""
        asked = (
            self.column("requested_at"),
            self.column("authorized_at"),
            self.first_scan_at(),
            self.first_at,
        )
        return np.minimum.reduce([np.where(at < self.end, at, NEVER) for at in asked])

    def is_granted(self) -> np.ndarray:
        """Lines that the company let come back: by an RMA that stands, or where there is none by its word."""
        asked = self.column("request") >= 0
        by_word = asked & (self.column("decision") == 1) & (self.column("decided_at") < self.end)
        return np.where(self.has_rma, ~self.cancelled, by_word & ~self.cancelled)

    def due_on(self) -> np.ndarray:
        """Day by line from which nothing comes that keeps to its authorization and the stated times."""
        last_day = np.where(
            self.has_rma,
            self.column("expires_at") // DAY,
            self.basis_at // DAY + DECISION_DAYS + HAND_OVER_DAYS,
        )
        return last_day + TRANSIT_DAYS

    def first_scan_at(self) -> np.ndarray:
        """First scan of each line's parcel on its way back; NEVER where there is none."""
        scans = self.world.goods.scans
        back = scans[scans["is_return"] & (scans["seen"] < self.end) & np.isin(scans["code"], ON_THE_WAY)]
        first = back.groupby("number")["at"].min()
        found = first.reindex(self.column("tracking")).fillna(NEVER).to_numpy(dtype=np.int64)
        return np.where(self.column("tracking") >= 0, found, NEVER)

    def where_of(self, line: np.ndarray) -> Where:
        """Where of lines; of line -1: unattributed."""
        known = line >= 0
        return Where(
            np.where(known, self.where.channel[line], NO_CHANNEL),
            np.where(known, self.where.category[line], NO_CATEGORY),
            np.where(known, self.where.site[line], NO_SITE),
        )

    def where_of_money(self, line: np.ndarray, sale: np.ndarray) -> Where:
        """Where of money that goes back: of its line, else of the sale that it names itself."""
        at, sales = self.where_of(line), self.world.sales.iloc[np.maximum(sale, 0)]
        named = (line < 0) & (sale >= 0)
        return Where(
            np.where(named, sales["channel"], at.channel),
            np.where(named, sales["category"], at.category),
            np.where(named, sales["site"], at.site),
        )

    def latest_inspections(self) -> pd.DataFrame:
        """The latest known inspection of each receipt that has one, by receipt."""
        rows = self.inspections.sort_values(["inspected_at", "id"])
        return rows.drop_duplicates("receipt", keep="last").set_index("receipt")

    def euro(
        self, cents: np.ndarray | pd.Series, currency: np.ndarray | pd.Series, at: np.ndarray | pd.Series
    ) -> np.ndarray:
        """Cents of the reporting currency, each row rounded by itself."""
        return self.world.rates.to_eur(np.asarray(cents), np.asarray(currency), np.asarray(at))
