"""The exact truth of the KPIs, from the company's own state as it is known on a business date.

Nothing here reads a file or shares code with the pipeline. Cents, units and hours are integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simulator.cells import Cells
from simulator.company import (
    CATEGORIES,
    CHANNELS,
    DAY,
    GRADE_FACTOR_PCT,
    GRADES,
    HOUR,
    INSPECTION_CENTS,
    IS_DISPOSAL,
    IS_FINAL,
    LIKE_NEW,
    NEVER,
    RECEIVING_CENTS,
    RS,
    SITE_CURRENCY,
    SITES,
    TRANSIT_DAYS,
    rounded,
)
from simulator.feeds import World
from simulator.returns import CANCELLED_LATE, HAS_PARCEL, RETURNLESS

COMPONENTS = ("freight", "receiving", "inspection", "handling", "disposal", "payment_fee")
KPIS = (
    ("product_return_rate", "SALE"),
    ("product_return_rate", "RETURN"),
    ("cost_per_return", "RETURN"),
    *((f"cost_per_return.{name}", "RETURN") for name in COMPONENTS),
    ("return_cost_in_process", "RETURN"),
    ("return_cycle_time", "REQUEST"),
    ("value_recovery_rate", "RETURN"),
    ("asset_recovery_rate", "RETURN"),
)
(RATE_SALE, RATE_RETURN, COST), IN_PROCESS, CYCLE, VALUE, ASSET = range(3), 9, 10, 11, 12
# Which side of a KPI is money, and so has cents.
MONEY_ABOVE = (COST, *range(3, 9), IN_PROCESS, VALUE, ASSET)
MONEY_BELOW = (VALUE, ASSET)

CHANNEL_NAMES = (*(name.upper() for name in CHANNELS), "UNATTRIBUTED")
CATEGORY_NAMES = tuple(name.upper() for name in CATEGORIES)
SITE_NAMES = (*SITES, "UNATTRIBUTED", "NOT_RECEIVED")
NO_CHANNEL, NO_SITE, NOT_RECEIVED = 4, 4, 5
EVENT, CENSORED, COMPETING = range(3)


def total(index: pd.Series | np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Sum integer values by index, exactly."""
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, np.asarray(index), np.asarray(values, dtype=np.int64))
    return sums


@dataclass
class KnownReturns:
    """One block's return lines as known at the end of a business date.

    Arrays by line: `received`, `disposed`, `expected`, `expired` units; `first_at`, `site` of the first
    receipt; `basis_at`; masks `is_there`, `is_counted`, `is_returnless`.
    """

    world: World
    night: int

    def __post_init__(self) -> None:
        goods, end = self.world.goods, self.end
        self.lines = goods.lines
        self.size = len(self.lines)
        self.receipts = goods.receipts[goods.receipts["seen"] < end]
        self.dispositions = self._dispositions()
        self._receive()
        self._decide()
        self._describe()

    @property
    def end(self) -> int:
        """First second after the business date."""
        return self.world.end(self.night)

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
        ended = self.dispositions[self.dispositions["is_ended"]]
        self.disposed = total(ended["line"], ended["quantity"], self.size)

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

    def _describe(self) -> None:
        attributed = self.column("sale") >= 0
        items, item = self.world.items, self.column("item")
        now = items.version(np.array([self.end - 1]))[0]
        self.channel = np.where(attributed, self.column("channel"), NO_CHANNEL)
        self.category = np.where(attributed, self.column("category"), items.category[now, item])
        self.unit_cost = np.where(attributed, self.column("unit_cost"), items.unit_cost[now, item])
        self.cost_currency = np.where(attributed, self.column("currency"), 0)
        requested, authorized = self.column("requested_at"), self.column("authorized_at")
        self.basis_at = np.where(
            requested < NEVER, requested, np.where(authorized < NEVER, authorized, self.first_at)
        )

    # -- money in euro cents --

    def costs(self) -> np.ndarray:
        """Cents of reporting currency by component and line: shape (6, lines)."""
        return np.stack([
            self._freight(), self._receiving(), self._inspection(), self._handling(False),
            self._handling(True), self._payment_fees(),
        ])  # fmt: skip

    def _freight(self) -> np.ndarray:
        """Carrier charges, split over the RMA lines on the parcel by authorized quantity."""
        charges = self.world.goods.charges
        charges = charges[charges["seen"] < self.end]
        riding = np.flatnonzero(np.isin(self.column("path"), HAS_PARCEL) & self.has_rma)
        members = self.lines.iloc[riding][["tracking", "authorized", "rma_line"]].assign(line=riding)
        members = members.sort_values(["tracking", "rma_line"])
        members["upto"] = members.groupby("tracking")["authorized"].cumsum()
        members["whole"] = members.groupby("tracking")["authorized"].transform("sum")
        parts = charges.merge(members, on="tracking")
        amount, before = parts["amount"], parts["upto"] - parts["authorized"]
        share = rounded(amount * parts["upto"], parts["whole"])
        share = share - rounded(amount * before, parts["whole"])
        euro = self.world.rates.to_eur(share, parts["currency"], parts["invoiced_on"])
        return total(parts["line"], euro, self.size)

    def _receiving(self) -> np.ndarray:
        site = self.receipts["site"].to_numpy()
        cents = self.receipts["quantity"].to_numpy() * RECEIVING_CENTS[site]
        at = self.receipts["received_at"].to_numpy()
        euro = self.world.rates.to_eur(cents, SITE_CURRENCY[site], at)
        return total(self.receipts["line"], euro, self.size)

    def _inspection(self) -> np.ndarray:
        rows = self.world.goods.inspections
        rows = rows[(rows["seen"] < self.end) & rows["with_minutes"]]
        site = self.world.goods.receipts["site"].to_numpy()[rows["receipt"]]
        # Hundredths of a minute times cents an hour.
        cents = rounded(rows["minutes"].to_numpy() * INSPECTION_CENTS[site], 6000)
        euro = self.world.rates.to_eur(cents, SITE_CURRENCY[site], rows["inspected_at"].to_numpy())
        return total(self.line_of_receipt(rows["receipt"]), euro, self.size)

    def _handling(self, is_disposal: bool) -> np.ndarray:
        rows = self.dispositions
        rows = rows[IS_DISPOSAL[rows["code"].to_numpy()] == is_disposal]
        euro = self.world.rates.to_eur(
            rows["cost"].to_numpy(), rows["currency"].to_numpy(), rows["disposed_at"].to_numpy()
        )
        return total(rows["line"], euro, self.size)

    def _payment_fees(self) -> np.ndarray:
        rows = self.world.money.settlements
        rows = rows[(rows["seen"] < self.end) & (rows["type"] == 0) & (rows["line"] >= 0)]
        euro = self.world.rates.to_eur(
            -rows["fee"].to_numpy(), rows["currency"].to_numpy(), rows["booked_at"].to_numpy()
        )
        return total(rows["line"], euro, self.size)

    def recovered(self) -> np.ndarray:
        """Cents brought back by line: sales less fees, and restocked goods at cost by grade."""
        rows = self.world.goods.recoveries
        rows = rows[rows["seen"] < self.end]
        receipt = self.world.goods.dispositions["receipt"].to_numpy()[rows["disposition"]]
        euro = self.world.rates.to_eur(
            (rows["gross"] - rows["fees"]).to_numpy(), rows["currency"].to_numpy(),
            rows["sold_at"].to_numpy(),
        )  # fmt: skip
        sold = total(self.line_of_receipt(receipt), euro, self.size)
        kept = self.dispositions[self.dispositions["is_ended"] & (self.dispositions["code"] == RS)]
        percent = GRADE_FACTOR_PCT[self._latest_grade()[kept["receipt"].to_numpy()]]
        return sold + self._asset_cents(kept, percent)

    def original_cost(self) -> np.ndarray:
        """Cents that the finally disposed units had cost, by line."""
        return self._asset_cents(self.dispositions[self.dispositions["is_ended"]], 100)

    def _asset_cents(self, rows: pd.DataFrame, percent: np.ndarray | int) -> np.ndarray:
        line = rows["line"].to_numpy()
        cents = rounded(rows["quantity"].to_numpy() * self.unit_cost[line] * percent, 10_000)
        euro = self.world.rates.to_eur(cents, self.cost_currency[line], rows["disposed_at"].to_numpy())
        return total(line, euro, self.size)

    def _latest_grade(self) -> np.ndarray:
        """Grade of every receipt by its latest known inspection; like new without one."""
        rows = self.world.goods.inspections
        rows = rows[rows["seen"] < self.end].sort_values(["inspected_at", "id"])
        grade = np.full(len(self.world.goods.receipts), LIKE_NEW)
        grade[rows["receipt"].to_numpy()] = GRADES[rows["functional"], rows["cosmetic"]]
        return grade


@dataclass
class KpiTruth:
    """KPI cells and cycle-time spans of one business date, added up over blocks."""

    cells: Cells = field(
        default_factory=lambda: Cells(
            ("kpi", "day", "channel", "category", "site"), ("numerator", "denominator", "immature")
        )
    )
    spans: Cells = field(
        default_factory=lambda: Cells(("month", "channel", "category", "hours", "kind"), ("units",))
    )

    def add(self, known: KnownReturns) -> None:
        """Add what is known of one block."""
        self._add_sales(known)
        self._add_receipts(known)
        self._add_costs(known)
        self._add_cycle_time(known)

    def _cell(
        self,
        kpi: int,
        at: np.ndarray,
        where: tuple[np.ndarray, np.ndarray, np.ndarray],
        numerator: np.ndarray,
        denominator: np.ndarray | int,
        immature: np.ndarray | bool = False,
    ) -> None:
        channel, category, site = where
        self.cells.add(
            pd.DataFrame({
                "kpi": kpi, "day": np.asarray(at) // DAY, "channel": channel, "category": category,
                "site": site, "numerator": numerator, "denominator": denominator,
                "immature": np.asarray(immature, dtype=int),
            })
        )  # fmt: skip

    def _add_sales(self, known: KnownReturns) -> None:
        sales = known.world.sales
        back = np.zeros(len(sales), dtype=np.int64)
        sold = known.column("sale") >= 0
        np.add.at(back, known.column("sale")[sold], known.received[sold])
        shipped = (sales["shipped_at"] < known.end).to_numpy()
        part, back = sales[shipped], back[shipped]
        at, where = part["shipped_at"].to_numpy(), _where(part)
        ripe = at // DAY + part["window"].to_numpy() + TRANSIT_DAYS <= known.end // DAY - 1
        units = part["quantity"].to_numpy()
        self._cell(RATE_SALE, at, where, back, units, ~ripe)
        self._cell(RATE_RETURN, at, where, np.zeros(len(part), dtype=int), units)

    def _add_receipts(self, known: KnownReturns) -> None:
        rows = known.receipts
        line, at = rows["line"].to_numpy(), rows["received_at"].to_numpy()
        channel, category = known.channel[line], known.category[line]
        units = rows["quantity"].to_numpy()
        self._cell(RATE_RETURN, at, (channel, category, rows["site"].to_numpy()), units, 0)
        lost = known.column("sale")[line] < 0
        nowhere = np.full(lost.sum(), NO_SITE)
        self._cell(RATE_SALE, at[lost], (channel[lost], category[lost], nowhere), units[lost], 0)

    def _add_costs(self, known: KnownReturns) -> None:
        costs = known.costs()
        came = known.is_counted & (known.received > 0)
        at = known.first_at[came]
        where = (known.channel[came], known.category[came], known.site[came])
        received, disposed = known.received[came], known.disposed[came]
        is_open = disposed < received
        closed = rounded(costs[:, came] * disposed, received)
        for component in range(len(COMPONENTS)):
            self._cell(3 + component, at, where, closed[component], disposed, is_open)
        closed_sum = closed.sum(axis=0)
        self._cell(COST, at, where, closed_sum, disposed, is_open)
        rest = costs[:, came].sum(axis=0) - closed_sum
        self._cell(IN_PROCESS, at, where, rest, received - disposed, True)
        self._cell(VALUE, at, where, known.recovered()[came], closed_sum, is_open)
        self._cell(ASSET, at, where, known.recovered()[came], known.original_cost()[came], is_open)
        gone = known.is_counted & (known.received == 0) & (costs[0] != 0)
        where = (known.channel[gone], known.category[gone], np.full(gone.sum(), NOT_RECEIVED))
        authorized = known.column("authorized_at")[gone], known.column("authorized")[gone]
        self._cell(IN_PROCESS, authorized[0], where, costs[0][gone], authorized[1], True)

    def _add_cycle_time(self, known: KnownReturns) -> None:
        counted = known.is_counted & ~known.is_returnless
        ended = known.dispositions[known.dispositions["is_ended"]]
        ended = ended[counted[ended["line"].to_numpy()]]
        line = ended["line"].to_numpy()
        self._span(known, line, ended["disposed_at"].to_numpy(), ended["quantity"].to_numpy(), EVENT)
        lapsed = np.flatnonzero(counted & (known.expired > 0))
        until = known.column("expires_at")[lapsed]
        self._span(known, lapsed, until, known.expired[lapsed], COMPETING)
        rest = known.expected - known.expired - known.disposed
        waiting = np.flatnonzero(counted & (rest > 0))
        until = np.full(len(waiting), known.end)
        self._span(known, waiting, until, rest[waiting], CENSORED)
        ended_otherwise = (known.refused | known.cancelled) & known.is_there
        refused = np.flatnonzero(ended_otherwise & ~known.is_returnless)
        late = known.column("path")[refused] == CANCELLED_LATE
        until = np.where(late, known.column("cancelled_at")[refused], known.column("decided_at")[refused])
        units = known.column("quantity")[refused]
        self._span(known, refused, until, units, COMPETING, in_kpi=False)

    def _span(
        self,
        known: KnownReturns,
        line: np.ndarray,
        until: np.ndarray,
        units: np.ndarray,
        kind: int,
        in_kpi: bool = True,
    ) -> None:
        """Units that left the process, or have not, after whole hours."""
        start = known.basis_at[line]
        hours = np.maximum((until - start) // HOUR, 0)
        channel, category = known.channel[line], known.category[line]
        month = start.astype("datetime64[s]").astype("datetime64[M]").astype(int)
        self.spans.add(
            pd.DataFrame({
                "month": month, "channel": channel, "category": category, "hours": hours,
                "kind": kind, "units": units,
            })
        )  # fmt: skip
        if in_kpi:
            where = (channel, category, known.site[line])
            disposed = units if kind == EVENT else 0
            self._cell(CYCLE, start, where, units * hours, disposed, kind == CENSORED)

    def kpi_daily(self) -> pd.DataFrame:
        """The KPI cells as published, numbers as text."""
        cells = self.cells.table()
        cells = cells[(cells["numerator"] != 0) | (cells["denominator"] != 0)]
        kpi = cells["kpi"].to_numpy(dtype=int)
        return pd.DataFrame({
            "kpi": [KPIS[index][0] for index in kpi],
            "basis": [KPIS[index][1] for index in kpi],
            "period_date": cells["day"].to_numpy(dtype=int).astype("datetime64[D]").astype(str),
            "channel": np.array(CHANNEL_NAMES)[cells["channel"].to_numpy(dtype=int)],
            "product_category": np.array(CATEGORY_NAMES)[cells["category"].to_numpy(dtype=int)],
            "site": np.array(SITE_NAMES)[cells["site"].to_numpy(dtype=int)],
            "currency": "EUR",
            "numerator": _numbers(cells["numerator"], np.isin(kpi, MONEY_ABOVE)),
            "denominator": _numbers(cells["denominator"], np.isin(kpi, MONEY_BELOW)),
            "is_mature": np.where(cells["immature"] == 0, "true", "false"),
        })  # fmt: skip


def _where(part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return part["channel"].to_numpy(), part["category"].to_numpy(), part["site"].to_numpy()


def _numbers(values: pd.Series, is_money: np.ndarray) -> list[str]:
    return [
        money(int(value)) if cents else str(int(value)) for value, cents in zip(values, is_money, strict=True)
    ]


def money(cents: int) -> str:
    """Cents as text with two decimals."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
