"""The documents of refunds as they are known at a moment, and which of them belong together.

A *case* is a return line or one of the cases without a return; a *group* is one or more cases that a
document joins. Amounts are cents of the case's currency.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.codes import (
    CHARGEBACK_ROW,
    FAILED_STATUS,
    IS_CREDIT,
    LIABILITY,
    REFUND_ROW,
    SUCCEEDED,
)
from simulator.company import DAY, EXCHANGE, REPAIR, REPLACEMENT, rounded
from simulator.ledger import MEMO, NOTHING, SETTLEMENT
from simulator.policy import entitled
from simulator.refunds import DUE
from simulator.truth.known import KnownReturns, total
from simulator.truth.sent import goes_by_goods, replaced

CANCELED = 3


class Books:
    """Known documents of one block, each with its `case`; arrays by case and by group.

    `joined_until` says up to when memos join cases; it is the books' own end where nothing else is given.
    """

    def __init__(self, known: KnownReturns, joined_until: int | None = None) -> None:
        self.known, self.end, money = known, known.end, known.world.money
        self.today = self.end // DAY - 1
        everything = money.memos.reset_index(drop=True)
        alone = everything["is_alone"].fillna(False).to_numpy(dtype=bool)
        cases = [known.size, *(int(f["case"].max()) + 1 for f in (everything, money.tenders) if len(f))]
        cases += [int(f["case"].max()) + 1 for f in (money.settlements, money.ledger) if len(f)]
        first = max(cases)
        everything["case"] = np.where(alone, first + np.cumsum(alone) - 1, everything["case"])
        self.size = first + int(alone.sum())
        self.case_of_memo = everything.groupby("memo")["case"].min()
        self.memos = self._until(everything)
        moved = money.settlements
        moved = moved[(moved["type"] <= CHARGEBACK_ROW) & (moved["status"] == SUCCEEDED)]
        self.group = self._groups(everything[everything["seen"] < (joined_until or self.end)])
        self.currency = self._currency()
        self.paid = self._paid(self._until(moved))
        tenders = money.tenders
        self.tenders = tenders[tenders["created_at"] < self.end].copy()
        self._judge_tenders()
        self.postings = self._postings(self._until(money.ledger))
        self._entitle()

    def _until(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["seen"] < self.end].copy()

    def _groups(self, memos: pd.DataFrame) -> np.ndarray:
        """The first case of the group of each case: a memo joins the lines that it credits."""
        group = np.arange(self.size)
        group[memos["case"]] = memos.groupby("memo")["case"].transform("min")
        return group

    def _currency(self) -> np.ndarray:
        money, sales = self.known.world.money, self.known.world.sales
        currency = np.zeros(self.size, dtype=int)
        currency[: self.known.size] = self.known.column("currency").clip(0)
        for frame in (money.settlements, money.ledger):
            own = frame[(frame["line"] < 0) & (frame["case"] >= 0)]
            currency[own["case"]] = own["currency"]
        for frame in (self.memos, money.tenders):
            own = frame[(frame["line"] < 0) & (frame["sale"] >= 0)]
            currency[own["case"]] = sales["currency"].to_numpy()[own["sale"]]
        return currency

    # -- entitlement --

    def _entitle(self) -> None:
        """Cents by case (`e`; `value` as if all were paid in money; by component `accepted_parts`), whether
        units were accepted (`has_e`), since when, and by receipt."""
        known, world = self.known, self.known.world
        rows = known.receipts.sort_values(["received_at", "id"])
        rows = rows[rows["line"] >= 0]
        upto = rows.groupby("line")["quantity"].cumsum().to_numpy()
        parts = pd.DataFrame({
            "case": rows["line"], "units": rows["quantity"], "before": upto - rows["quantity"],
            "at": rows["received_at"],
        })  # fmt: skip
        kept = np.flatnonzero(known.is_returnless)
        granted = self.tenders.groupby("line")["created_at"].min().reindex(kept).to_numpy()
        keep = {"case": kept, "units": known.column("quantity")[kept], "before": 0, "at": granted}
        parts = pd.concat([parts, pd.DataFrame(keep)], ignore_index=True)
        parts = parts[known.column("sale")[parts["case"].to_numpy()] >= 0].reset_index(drop=True)
        row = parts["case"].to_numpy(dtype=int)
        amounts = entitled(
            known.lines, world.sales, row, parts["units"].to_numpy(), parts["before"].to_numpy()
        )
        worth = entitled(
            known.lines, world.sales, row, parts["units"].to_numpy(), parts["before"].to_numpy(),
            in_money=False,
        )  # fmt: skip
        by_goods = goes_by_goods(known)
        amounts = np.where(by_goods[row][:, None], worth, amounts)
        parts["amount"] = amounts.sum(axis=1)
        self.value = total(row, worth.sum(axis=1), self.size)
        self.accepted_parts = np.zeros((self.size, amounts.shape[1]), dtype=np.int64)
        np.add.at(self.accepted_parts, row, amounts)
        sent = replaced(known)
        parts = pd.concat([parts, sent], ignore_index=True)
        row = parts["case"].to_numpy(dtype=int)
        self.accepted = parts
        self.e = total(row, parts["amount"], self.size)
        self.has_e = total(row, parts["units"], self.size) > 0
        self.e_at = latest(row, parts["at"], self.size)
        self.in_kind = np.zeros(self.size, dtype=bool)
        goods = (EXCHANGE, REPAIR, REPLACEMENT)
        self.in_kind[: known.size] = np.isin(known.column("resolution"), goods) & ~by_goods
        self.in_kind[sent["case"].to_numpy(dtype=int)] = True

    # -- memos --

    def standing(self) -> pd.DataFrame:
        """Memo components of memos that stand and are no duplicates, with what was due (`due`)."""
        memos = self.memos[~self.memos["is_duplicate"].to_numpy(dtype=bool)]
        taken_back = set(memos["reverses"][memos["reverses"] >= 0])
        return memos[~memos["memo"].isin(taken_back) & (memos["reverses"] < 0)]

    def due(self) -> np.ndarray:
        """Cents due for the units of the standing credits, by case and component."""
        credited = self.known.world.money.credited
        found = np.zeros((self.size, len(DUE)), dtype=np.int64)
        rows = self.standing()["credited"].unique()
        rows = rows[rows >= 0]
        np.add.at(found, credited["line"].to_numpy()[rows], credited[list(DUE)].to_numpy()[rows])
        return found

    # -- payments --

    def _paid(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Movements of cash: `cents` in the case's currency, at the day of the refund's first movement."""
        own = self.currency[rows["case"].to_numpy()]
        alone = (rows["refund"] < 0) | (rows["type"] == CHARGEBACK_ROW)
        rows["document"] = np.where(alone, -2 - rows["id"], rows["refund"])
        at = rows.groupby("document")["booked_at"].transform("min").to_numpy()
        rows["is_abroad"] = rows["currency"].to_numpy() != own
        rows["cents"] = -self._change(rows["gross"].to_numpy(), rows["currency"].to_numpy(), own, at)
        self.first_booked = rows.groupby("document")["booked_at"].min()
        return rows

    def _change(self, cents: np.ndarray, source: np.ndarray, own: np.ndarray, at: np.ndarray) -> np.ndarray:
        rates = self.known.world.rates
        changed = rounded(cents * rates.of(source, at), rates.of(own, at))
        return np.where(source == own, cents, changed)

    def _judge_tenders(self) -> None:
        """Mark what has failed, what counts, and which cash has been settled."""
        tenders = self.tenders
        ended = (tenders["final_at"] < self.end).to_numpy()
        status = tenders["status"].to_numpy()
        tenders["is_credit"] = IS_CREDIT[tenders["tender"].to_numpy()]
        tenders["has_failed"] = ended & (status == FAILED_STATUS)
        tenders["counts"] = ~(ended & np.isin(status, (FAILED_STATUS, CANCELED)))
        tenders["is_given"] = ended & tenders["is_credit"] & (status == SUCCEEDED)
        settled = self.paid[self.paid["type"] == REFUND_ROW]["refund"]
        tenders["is_settled"] = tenders["refund"].isin(settled)
        seen = self.memos["credited"]
        tenders["has_memo"] = tenders["credited"].isin(seen[seen >= 0])

    # -- the ledger --

    def _postings(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Lines on the refund liability: `document` as for payments, `cents` in the case's currency."""
        rows = rows[rows["account"] == LIABILITY].copy()
        kind, ref = rows["ref_kind"].to_numpy(), rows["ref"].to_numpy()
        of_memo = kind == MEMO
        rows["is_memo"] = of_memo
        case = rows["case"].to_numpy(copy=True)
        case[of_memo] = self.case_of_memo.loc[ref[of_memo]].to_numpy()
        rows["case"] = case
        rows["document"] = np.where(kind == SETTLEMENT, -2 - ref, ref)
        by_hand = -(10**15) - rows["journal"].to_numpy()
        rows["document"] = np.where(kind == NOTHING, by_hand, rows["document"])
        booked = self.first_booked.reindex(rows["document"]).to_numpy()
        posted = rows["posted_at"].to_numpy()
        at = np.where(of_memo | np.isnan(booked), posted, np.nan_to_num(booked)).astype(np.int64)
        own = self.currency[rows["case"].to_numpy()]
        rows["cents"] = self._change(rows["amount"].to_numpy(), rows["currency"].to_numpy(), own, at)
        return rows


def latest(index: pd.Series | np.ndarray, at: pd.Series, size: int) -> np.ndarray:
    """Latest time by index, -1 without any."""
    found = np.full(size, -1, dtype=np.int64)
    np.maximum.at(found, np.asarray(index), at.to_numpy(dtype=np.int64))
    return found
