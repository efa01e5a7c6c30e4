"""The exact truth of refund reconciliation: three legs a group, each cent of a gap in one class."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simulator import refunds
from simulator.company import (
    CURRENCIES,
    CUTOFF_DAYS,
    DAY,
    EXCHANGE,
    NEVER,
    REPAIR,
    REPLACEMENT,
    rounded,
)
from simulator.refunds import IS_CREDIT, SUCCEEDED, entitled
from simulator.truth import KnownReturns, total

CLASSES = (
    "DUPLICATE", "FAILED_REFUND", "STORE_CREDIT_OR_EXCHANGE", "QUANTITY", "PRICE_OR_DISCOUNT", "TAX",
    "SHIPPING", "DUTY", "RESTOCKING_FEE", "LABEL_FEE", "FX", "PROCESSOR_FEE", "CUTOFF", "ROUNDING",
    "UNEXPLAINED",
)  # fmt: skip
GAPS = ("E-M", "M-P")
COLUMNS = ("group_key", "currency", "e", "m", "p", "gap", "class", "amount")
ROUNDING_CENTS = 2


@dataclass
class Legs:
    """Groups with their legs in cents, and the class amounts found so far by gap and class."""

    key: np.ndarray
    currency: np.ndarray
    e: np.ndarray
    m: np.ndarray
    p: np.ndarray
    e_at: np.ndarray
    m_at: np.ndarray
    p_at: np.ndarray
    has_e: np.ndarray
    has_m: np.ndarray
    has_p: np.ndarray
    found: dict[tuple[int, str], np.ndarray] = field(default_factory=dict)

    def rest(self, gap: int) -> np.ndarray:
        """Cents of a gap that no class has yet."""
        legs = (self.e - self.m, self.m - self.p)[gap]
        return legs - sum((v for (g, _), v in self.found.items() if g == gap), np.zeros_like(legs))

    def put(self, gap: int, name: str, cents: np.ndarray, where: np.ndarray | bool = True) -> None:
        """Give cents of a gap to a class."""
        before = self.found.get((gap, name), np.zeros_like(self.e))
        self.found[gap, name] = before + np.where(where, cents, 0)


def line_groups(known: KnownReturns) -> pd.DataFrame:
    """Groups of return lines as known on a business date; rows as in COLUMNS."""
    legs = _line_legs(known)
    state = _State(known, legs)
    state.classify()
    return rows(legs, known.end // DAY - 1)


def goodwill_groups(known: KnownReturns) -> pd.DataFrame:
    """Groups of refunds without any return."""
    money, end, sales = known.world.money, known.end, known.world.sales
    memos = money.memos[(money.memos["line"] == -1) & (money.memos["seen"] < end)]
    paid = money.settlements
    paid = paid[(paid["line"] == -1) & (paid["seen"] < end)].set_index("refund")
    refund = memos["refund"].to_numpy()
    p = -paid["gross"].reindex(refund, fill_value=0).to_numpy()
    amount, zero = memos["amount"].to_numpy(), np.zeros(len(memos), dtype=np.int64)
    legs = Legs(
        np.array([f"REF:RF{number:013d}" for number in refund], dtype=object),
        sales["currency"].to_numpy()[memos["sale"]], zero, amount, p, zero,
        memos["posted_at"].to_numpy(), paid["booked_at"].reindex(refund, fill_value=0).to_numpy(),
        zero > 0, zero == 0, p != 0,
    )  # fmt: skip
    return rows(legs, end // DAY - 1)


def _line_legs(known: KnownReturns) -> Legs:
    size, lines, world, end = known.size, known.lines, known.world, known.end
    units = np.where(known.is_returnless, known.column("quantity"), known.received)
    parts = entitled(lines, np.arange(size), units)
    memos = world.money.memos
    memos = memos[(memos["line"] >= 0) & (memos["seen"] < end)]
    paid = _paid(known)
    return Legs(
        key=line_keys(known),
        currency=known.column("currency"),
        e=sum(parts.values(), np.zeros(size, dtype=np.int64)),
        m=total(memos["line"], memos["amount"], size),
        p=total(paid["line"], paid["cents"], size),
        e_at=np.where(known.is_returnless, _granted_at(known), known.last_at),
        m_at=_latest(memos["line"], memos["posted_at"], size),
        p_at=_latest(paid["line"], paid["booked_at"], size),
        has_e=units > 0,
        has_m=total(memos["line"], np.where(memos["reverses"] < 0, 1, -1), size) > 0,
        has_p=total(paid["line"], np.sign(paid["cents"]), size) > 0,
    )


def line_keys(known: KnownReturns) -> np.ndarray:
    """Key of every return line."""
    receipt = np.zeros(known.size, dtype=np.int64)
    everything = known.world.goods.receipts
    receipt[everything["line"].to_numpy()] = everything["id"].to_numpy()
    columns = (known.column(n) for n in ("request", "request_line", "rma", "rma_line"))
    return np.array([
        f"REQ:RQ{request:013d}-{request_line}" if request >= 0
        else f"RMA:RM{rma:013d}-{rma_line}" if rma >= 0
        else f"RCV:RC{own:013d}"
        for request, request_line, rma, rma_line, own in zip(*columns, receipt, strict=True)
    ], dtype=object)  # fmt: skip


def _granted_at(known: KnownReturns) -> np.ndarray:
    tenders = known.world.money.tenders
    tenders = tenders[(tenders["line"] >= 0) & (tenders["created_at"] < known.end)]
    return _latest(tenders["line"], tenders["created_at"], known.size)


def _latest(line: pd.Series, at: pd.Series, size: int) -> np.ndarray:
    latest = np.full(size, -1, dtype=np.int64)
    np.maximum.at(latest, line.to_numpy(), at.to_numpy(dtype=np.int64))
    return latest


def _paid(known: KnownReturns) -> pd.DataFrame:
    """Known succeeded refunds and their failures: line, cents in the order's currency, booked_at."""
    rows_ = known.world.money.settlements
    rows_ = rows_[(rows_["line"] >= 0) & (rows_["seen"] < known.end)]
    rows_ = rows_[np.isin(rows_["type"], (0, 1)) & (rows_["status"] == SUCCEEDED)].copy()
    rates, at = known.world.rates, rows_["booked_at"].to_numpy()
    own = known.column("currency")[rows_["line"].to_numpy()]
    abroad = rows_["currency"].to_numpy() != own
    gross = rows_["gross"].to_numpy()
    changed = rounded(gross * rates.of(rows_["currency"].to_numpy(), at), rates.of(own, at))
    rows_["cents"] = -np.where(abroad, changed, gross)
    rows_["is_abroad"] = abroad
    return rows_


class _State:
    """What the company knows of each group's money that no leg shows by itself."""

    def __init__(self, known: KnownReturns, legs: Legs) -> None:
        self.known, self.legs, self.size = known, legs, known.size
        money, end = known.world.money, known.end
        memos = money.memos
        self.memos = memos[(memos["line"] >= 0) & (memos["seen"] < end)]
        self.paid = _paid(known)
        tenders = money.tenders
        self.tenders = tenders[(tenders["line"] >= 0) & (tenders["created_at"] < end)]
        self.defect = np.zeros(self.size, dtype=int)
        self.defect[money.credited["line"]] = money.credited["defect"]
        self.units = np.zeros(self.size, dtype=np.int64)
        self.units[money.credited["line"]] = money.credited["units"]
        self.today = end // DAY - 1

    def classify(self) -> None:
        """Give every cent of both gaps to a class, in the fixed order."""
        self._duplicates()
        self._failures_and_credit()
        self._missing_legs()
        self._small_rest()
        self._components()
        self._processor()

    def _duplicates(self) -> None:
        twice = self.memos[self.memos["is_duplicate"]]
        memo = total(twice["line"], twice["amount"], self.size)
        again = self.paid[self.paid["is_duplicate"].astype(bool)]
        cash = total(again["line"], again["cents"], self.size)
        self.legs.put(0, "DUPLICATE", -memo)
        self.legs.put(1, "DUPLICATE", memo - cash)

    def _failures_and_credit(self) -> None:
        legs = self.legs
        failed = np.zeros(self.size, dtype=bool)
        ended = self.tenders[self.tenders["final_at"] < self.known.end]
        failed[ended[ended["status"] == refunds.FAILED_STATUS]["line"].to_numpy()] = True
        failed[self.paid[self.paid["type"] == 1]["line"].to_numpy()] = True
        legs.put(1, "FAILED_REFUND", legs.rest(1), failed & ~legs.has_p & legs.has_m)
        in_goods = np.isin(self.known.column("resolution"), (EXCHANGE, REPAIR, REPLACEMENT))
        legs.put(0, "STORE_CREDIT_OR_EXCHANGE", legs.rest(0), in_goods)
        legs.put(1, "STORE_CREDIT_OR_EXCHANGE", legs.rest(1), in_goods)
        given = ended[ended["status"] == SUCCEEDED]
        credit = given[IS_CREDIT[given["tender"].to_numpy()]]
        amount = total(credit["line"], credit["amount"], self.size)
        legs.put(1, "STORE_CREDIT_OR_EXCHANGE", amount, legs.has_m & ~in_goods)

    def _missing_legs(self) -> None:
        missing_legs(self.legs, self.today)

    def _small_rest(self) -> None:
        for gap in (0, 1):
            rest = self.legs.rest(gap)
            self.legs.put(gap, "ROUNDING", rest, np.abs(rest) <= ROUNDING_CENTS)

    def _components(self) -> None:
        """What is left between entitlement and memo, component by component."""
        legs, lines = self.legs, self.known.lines
        open_ = legs.rest(0) != 0
        credited = entitled(lines, np.arange(self.size), self.units)
        by_units = sum(credited.values(), np.zeros(self.size, dtype=np.int64))
        legs.put(0, "QUANTITY", legs.e - by_units, open_)
        first = self.memos[~self.memos["is_duplicate"]]
        for number, name in enumerate(
            (
                "PRICE_OR_DISCOUNT",
                "TAX",
                "SHIPPING",
                "DUTY",
                "RESTOCKING_FEE",
                "LABEL_FEE",
                "ROUNDING",
            )
        ):
            part = first[first["component"] == number]
            memo = total(part["line"], part["amount"], self.size)
            due = credited.get(number, np.zeros(self.size, dtype=np.int64))
            legs.put(0, name, due - memo, open_)

    def _processor(self) -> None:
        legs = self.legs
        abroad = np.zeros(self.size, dtype=bool)
        abroad[self.paid[self.paid["is_abroad"]]["line"].to_numpy()] = True
        legs.put(1, "FX", legs.rest(1), abroad)
        kept = self.defect == refunds.FEE_KEPT
        legs.put(1, "PROCESSOR_FEE", legs.rest(1), kept)
        legs.put(1, "UNEXPLAINED", legs.rest(1))


def missing_legs(legs: Legs, today: int) -> None:
    """A leg that has not come: within some days it may still, after that nothing explains it."""
    gaps = (
        (0, legs.has_e, legs.has_m, legs.e_at, legs.m_at),
        (1, legs.has_m, legs.has_p, legs.m_at, legs.p_at),
    )
    for gap, has_left, has_right, left_at, right_at in gaps:
        alone = has_left != has_right
        since = today - np.where(has_left, left_at, right_at) // DAY
        rest = legs.rest(gap)
        legs.put(gap, "CUTOFF", rest, alone & (since <= CUTOFF_DAYS))
        legs.put(gap, "UNEXPLAINED", rest, alone & (since > CUTOFF_DAYS))


def rows(legs: Legs, today: int) -> pd.DataFrame:
    """Rows of the groups that have any leg; one row without class where there is no gap."""
    if not legs.found:
        missing_legs(legs, today)
    there = np.flatnonzero((legs.e != 0) | (legs.m != 0) | (legs.p != 0) | legs.has_m | legs.has_p)
    parts, has_gap = [], np.zeros(len(legs.e), dtype=bool)
    for (gap, name), cents in legs.found.items():
        index = np.flatnonzero(cents != 0)
        has_gap[index] = True
        parts.append(_frame(legs, index, GAPS[gap], name, cents[index]))
    even = there[~has_gap[there]]
    parts.append(_frame(legs, even, "", "", np.zeros(len(even), dtype=np.int64)))
    return pd.concat(parts, ignore_index=True)


def _frame(legs: Legs, index: np.ndarray, gap: str, name: str, cents: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "group_key": legs.key[index],
        "currency": np.array([*CURRENCIES, ""])[legs.currency[index]],
        "e": legs.e[index],
        "m": legs.m[index],
        "p": legs.p[index],
        "gap": gap,
        "class": name,
        "amount": cents,
    })  # fmt: skip


__all__ = ["CLASSES", "COLUMNS", "NEVER", "goodwill_groups", "line_groups", "line_keys"]
