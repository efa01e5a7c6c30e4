"""The exact truth of refund reconciliation: each cent between two legs in one class, by its cause.

Legs of a group: E entitlement, M credit memos, P cash, G cash as the ledger shows it; beside them T the
refunds of customer service and GM the memos as the ledger shows them. Gaps: E-M, M-P, P-G in a row, and
M-T and M-G beside it. The company knows what it did wrong; nothing is derived from amounts that differ.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulator.books import Books, latest
from simulator.codes import ADJUSTMENT, FAILURE_ROW, REFUND_ROW
from simulator.company import CUTOFF_DAYS, DAY
from simulator.plans import has
from simulator.truth.known import KnownReturns, total

CLASSES = (
    "DUPLICATE", "FAILED_REFUND", "STORE_CREDIT_OR_EXCHANGE", "QUANTITY", "PRICE_OR_DISCOUNT", "TAX",
    "SHIPPING", "DUTY", "RESTOCKING_FEE", "LABEL_FEE", "FX", "PROCESSOR_FEE", "CUTOFF", "ROUNDING",
    "UNEXPLAINED", "PAYMENT_AMOUNT", "MISSING_LEG", "OVERPAYMENT", "ISSUED_AMOUNT", "ADJUSTMENT",
)  # fmt: skip
BY_COMPONENT = (
    "PRICE_OR_DISCOUNT", "TAX", "SHIPPING", "DUTY", "RESTOCKING_FEE", "LABEL_FEE", "ROUNDING",
)  # fmt: skip
GAPS = ("E-M", "M-P", "P-G", "M-T", "M-G")
LEGS = ("e", "m", "p", "g", "t", "gm")
COLUMNS = ("group_key", "currency", *LEGS, "pattern", "gap", "class", "amount", "period")
PERIOD_COLUMNS = ("group_key", "currency", "gap", "class", "period", "amount")
# Cents that two legs may differ by for nothing but rounding.
ROUNDING_CENTS = 2


class Reconciliation:
    """Groups of one block as known at the end of `known`: legs, patterns, classes, periods."""

    def __init__(self, known: KnownReturns, joined_until: int | None = None) -> None:
        self.books = Books(known, joined_until)
        self.size, self.group = self.books.size, self.books.group
        self.found: dict[tuple[str, str], np.ndarray] = {}
        self._add_legs()
        self._entitlement_to_memo()
        self._memo_to_tenders()
        self._memo_to_cash()
        self._cash_to_ledger()
        self._memo_to_ledger()

    # -- sums by case and by group --

    def cases(self, frame: pd.DataFrame, cents: np.ndarray | pd.Series) -> np.ndarray:
        """Sum cents of documents by case."""
        return total(frame["case"], np.asarray(cents), self.size)

    def groups(self, by_case: np.ndarray) -> np.ndarray:
        """Sum an array by case into the first case of each group."""
        return total(self.group, by_case, self.size)

    def _any(self, mask: np.ndarray) -> np.ndarray:
        return self.groups(mask.astype(np.int64)) > 0

    def groups_latest(self, frame: pd.DataFrame, column: str) -> np.ndarray:
        """Latest time of documents by group, -1 without any."""
        return latest(self.group[frame["case"].to_numpy()], frame[column], self.size)

    def put(self, gap: str, name: str, cents: np.ndarray) -> None:
        """Give cents of a gap, by group, to a class."""
        self.found[gap, name] = self.found.get((gap, name), np.zeros(self.size, dtype=np.int64)) + cents

    def rest(self, gap: str) -> np.ndarray:
        """Cents of a gap, by group, that no class has yet."""
        left, right = gap.lower().replace("-g", "-gm" if gap == "M-G" else "-g").split("-")
        legs = self.legs[left] - self.legs[right]
        return legs - sum((v for (g, _), v in self.found.items() if g == gap), np.zeros_like(legs))

    def _put_missing(self, gap: str, cents: np.ndarray, since: np.ndarray, where: np.ndarray) -> None:
        """A leg that has not come: within some days it may still, after that it is missing."""
        young = self.books.today - since // DAY <= CUTOFF_DAYS
        self.put(gap, "CUTOFF", np.where(where & young, cents, 0))
        self.put(gap, "MISSING_LEG", np.where(where & ~young, cents, 0))

    # -- legs --

    def _add_legs(self) -> None:
        b = self.books
        counted = b.tenders[b.tenders["counts"].to_numpy(dtype=bool)]
        self.doubled = b.memos[b.memos["is_duplicate"].to_numpy(dtype=bool)]
        self.standing = b.standing()
        memo_posts = b.postings[b.postings["is_memo"].to_numpy(dtype=bool)]
        self.memo_posts = memo_posts
        self.cash_posts = b.postings[~b.postings["is_memo"].to_numpy(dtype=bool)]
        by_case = {
            "e": b.e,
            "m": self.cases(b.memos, b.memos["amount"]),
            "p": self.cases(b.paid, b.paid["cents"]),
            "g": self.cases(self.cash_posts, self.cash_posts["cents"]),
            "t": self.cases(counted, counted["amount"]),
            "gm": self.cases(memo_posts, -memo_posts["cents"]),
        }
        self.counted = counted
        self.legs = {name: self.groups(cents) for name, cents in by_case.items()}
        self.m_case = self.cases(self.standing, self.standing["amount"])
        self.has_m_case = np.zeros(self.size, dtype=bool)
        self.has_m_case[self.standing["case"].to_numpy()] = True
        self.has_e, self.has_m = self._any(b.has_e), self._any(self.has_m_case)
        net = b.paid.groupby(["case", "currency"])["gross"].sum()
        net = net[net != 0].reset_index()
        self.has_p = self._any(np.isin(np.arange(self.size), net["case"]))
        posted = b.postings.groupby(["case", "is_memo", "document"])["cents"].sum()
        posted = posted[posted != 0].reset_index()
        self.has_g = self._any(np.isin(np.arange(self.size), posted["case"]))
        # Left after duplicates: what a memo of the group stands for, component by component.
        self.d_m = self.groups(self.cases(self.doubled, self.doubled["amount"]))

    # -- E - M, case by case --

    def _entitlement_to_memo(self) -> None:
        b = self.books
        doubled = self.cases(self.doubled, self.doubled["amount"])
        self.put("E-M", "DUPLICATE", self.groups(-doubled))
        rest = b.e - self.m_case
        # Goods make good of the credit what they are worth, and no more.
        goods = np.clip(self.m_case - b.e, 0, np.maximum(b.value - b.e, 0))
        self.made_good = np.where(b.in_kind & self.has_m_case, goods, 0)
        # Money that customers owe for dearer goods, by group, since the goods were sent.
        self.owed = np.maximum(-self.groups(b.e), 0)
        self.owed_at = self.groups_latest(b.accepted, "at")
        self.put("E-M", "STORE_CREDIT_OR_EXCHANGE", self.groups(-self.made_good))
        alone = b.has_e != self.has_m_case
        m_at = latest(self.standing["case"], self.standing["posted_at"], self.size)
        young = b.today - np.where(b.has_e, b.e_at, m_at) // DAY <= CUTOFF_DAYS
        self.put("E-M", "CUTOFF", self.groups(np.where(alone & young, rest, 0)))
        self.put("E-M", "MISSING_LEG", self.groups(np.where(alone & ~young, rest, 0)))
        both = ~b.in_kind & b.has_e & self.has_m_case
        later = self._credited_later(np.where(both, rest, 0))
        waits = later >= 0
        young = b.today - later // DAY <= CUTOFF_DAYS
        self.put("E-M", "CUTOFF", self.groups(np.where(waits & young, rest, 0)))
        self.put("E-M", "MISSING_LEG", self.groups(np.where(waits & ~young, rest, 0)))
        both &= ~waits
        due = self._due()
        self.put("E-M", "QUANTITY", self.groups(np.where(both, b.e - due.sum(axis=1), 0)))
        for component, error in self._errors(due):
            name = BY_COMPONENT[component]
            self.put("E-M", name, self.groups(np.where(both, -error, 0)))

    def _credited_later(self, rest: np.ndarray) -> np.ndarray:
        """Since when the last units accepted are in no memo, by case, where `rest` is to the cent what they
        entitle to; -1 elsewhere."""
        parts = self.books.accepted.assign(day=self.books.accepted["at"] // DAY)
        parts = parts.sort_values(["case", "day", "before"], ascending=[True, False, False])
        case = parts["case"].to_numpy(dtype=int)
        upto = parts.groupby("case")["amount"].cumsum().to_numpy()
        fits = (upto == rest[case]) & (rest[case] > ROUNDING_CENTS) & (self.m_case[case] > 0)
        since = np.full(self.size, -1, dtype=np.int64)
        found = parts[fits].groupby("case")["at"].min()
        since[found.index.to_numpy(dtype=int)] = found.to_numpy(dtype=np.int64)
        return since

    def _due(self) -> np.ndarray:
        """Cents due by case and component: for the units credited where the memo is nearer to it, else for
        those accepted. The memo of other units may leave out their tax or shipping."""
        rows, credited = self.standing, np.zeros_like(self.books.accepted_parts)
        np.add.at(
            credited, (rows["case"].to_numpy(), rows["component"].to_numpy()), rows["amount"].to_numpy()
        )
        due, accepted = self.books.due(), self.books.accepted_parts
        is_nearer = np.abs(due - credited) <= np.abs(accepted - credited)
        return np.where(is_nearer, due, accepted)

    def _errors(self, due: np.ndarray, off: bool = False) -> Iterator[tuple[int, np.ndarray]]:
        """What memos credit too much, by component and case; `off` only where the cash is right."""
        rows = self.standing
        is_off = has(rows["bits"], "memo_off")
        for component in range(due.shape[1]):
            part = rows[(rows["component"] == component) & (is_off if off else True)]
            error = self.cases(part, part["amount"])
            cases = np.zeros(self.size, dtype=bool)
            cases[rows["case"].to_numpy()[is_off]] = True
            yield component, np.where(cases if off else True, error - due[:, component], 0)

    # -- M - P and M - T, group by group --

    def _memo_to_cash(self) -> None:
        b, gap = self.books, "M-P"
        again = b.paid[b.paid["is_duplicate"].to_numpy(dtype=bool)]
        self.put(gap, "DUPLICATE", self.d_m - self.groups(self.cases(again, again["cents"])))
        failed = b.tenders[(b.tenders["has_failed"] & ~b.tenders["is_credit"]).to_numpy(dtype=bool)]
        undone = b.paid[b.paid["type"] == FAILURE_ROW]
        owed = self.groups(self.cases(failed, failed["amount"]) + self.cases(undone, undone["due"]))
        unsettled = b.tenders[~b.tenders["is_settled"].to_numpy(dtype=bool)]
        # One that is under way again has not failed: it waits.
        under_way = self.groups(self.cases(waiting := _to_come(unsettled), waiting["amount"]))
        self._put_up_to(gap, "FAILED_REFUND", np.minimum(owed, np.maximum(self.rest(gap) - under_way, 0)))
        given = b.tenders[b.tenders["is_given"].to_numpy(dtype=bool)]
        credit = self.groups(self.cases(given, given["amount"]) + self.made_good)
        self._put_up_to(gap, "STORE_CREDIT_OR_EXCHANGE", credit)
        p_at = self.groups_latest(b.paid, "booked_at")
        # A refund that waits is there, and as old as its issue, also where no other one is paid.
        waits = self.has_m & ~self.has_p & (under_way > 0)
        both = self._put_alone(gap, self.has_p | waits, p_at)
        moved = b.paid[(b.paid["type"] == REFUND_ROW) & ~b.paid["is_duplicate"].to_numpy(dtype=bool)]
        moved = moved[~moved["document"].isin(undone["document"])]
        short = moved["due"] - moved["cents"]
        abroad = moved["is_abroad"].to_numpy(dtype=bool)
        self.put(gap, "FX", np.where(both, self.groups(self.cases(moved, short * abroad)), 0))
        kept = has(moved["bits"], "fee_kept") & ~abroad
        self.put(gap, "PROCESSOR_FEE", np.where(both, self.groups(self.cases(moved, short * kept)), 0))
        self._put_mirrored(gap, both)
        self._put_waiting(gap, both, unsettled, b.paid)
        # The processor pays what was issued, were it another amount than credited.
        as_issued = both & (self.rest(gap) == self.found["M-T", "ISSUED_AMOUNT"])
        self.put(gap, "ISSUED_AMOUNT", np.where(as_issued, self.rest(gap), 0))
        # Beside one that waits another is not issued yet.
        self._put_missing(gap, self.rest(gap), self.groups_latest(self.standing, "posted_at"), waits)
        self.put(gap, "UNEXPLAINED", np.where(both, self.rest(gap), 0))

    def _memo_to_tenders(self) -> None:
        b, gap = self.books, "M-T"
        again = self.counted[self.counted["role"] == 1]
        self.put(gap, "DUPLICATE", self.d_m - self.groups(self.cases(again, again["amount"])))
        failed = b.tenders[b.tenders["has_failed"].to_numpy(dtype=bool)]
        self._put_up_to(gap, "FAILED_REFUND", self.groups(self.cases(failed, failed["amount"])))
        self._put_up_to(gap, "STORE_CREDIT_OR_EXCHANGE", self.groups(self.made_good))
        has_t = self._any(np.isin(np.arange(self.size), self.counted["case"]))
        both = self._put_alone(gap, has_t, self.groups_latest(self.counted, "created_at"))
        self._put_mirrored(gap, both)
        self._put_waiting(gap, both, b.tenders[:0], self.counted)
        self.put(gap, "ISSUED_AMOUNT", np.where(both, self.rest(gap), 0))

    def _put_up_to(self, gap: str, name: str, most: np.ndarray) -> None:
        """Give what is credited and not paid to a class, as far as the class reaches."""
        rest = self.rest(gap)
        if name == "STORE_CREDIT_OR_EXCHANGE":
            share = np.where(self.has_m, np.clip(rest + self.owed, 0, np.maximum(most, 0)), 0)
            self.put(gap, name, share)
            owed = np.where(self.has_m, np.clip(share - rest, 0, self.owed), 0)
            self._put_missing(gap, -owed, self.owed_at, owed > 0)
            return
        self.put(gap, name, np.where(self.has_m, np.clip(rest, 0, np.maximum(most, 0)), 0))

    def _put_alone(self, gap: str, has_right: np.ndarray, right_at: np.ndarray) -> np.ndarray:
        """Groups with one of the two legs only; returns those with both."""
        m_at = self.groups_latest(self.standing, "posted_at")
        alone = self.has_m != has_right
        since = np.where(self.has_m, m_at, right_at)
        self._put_missing(gap, self.rest(gap), since, alone)
        return self.has_m & has_right

    def _put_mirrored(self, gap: str, both: np.ndarray) -> None:
        """Where only the memo is wrong, the same cents stand on its other side with the sign turned."""
        for component, error in self._errors(self.books.due(), off=True):
            if component != ADJUSTMENT:
                self.put(gap, BY_COMPONENT[component], np.where(both, self.groups(error), 0))

    def _put_waiting(
        self, gap: str, both: np.ndarray, unpaid: pd.DataFrame, without_memo: pd.DataFrame
    ) -> None:
        """A further refund of the group that is not settled yet, or that has no memo yet."""
        for frame, sign, column in ((_to_come(unpaid), 1, "created_at"), (without_memo, -1, "at")):
            if sign < 0:
                frame = self._without_memo(frame)
            amount = frame["cents" if "cents" in frame else "amount"]
            cents = self.groups(self.cases(frame, amount)) * sign
            since = self.groups_latest(frame, column)
            rest = self.rest(gap) * sign
            fits = both & (cents != 0) & ((rest > 0) if sign > 0 else (rest >= cents * sign))
            self._put_missing(gap, cents, since, fits)

    def _without_memo(self, frame: pd.DataFrame) -> pd.DataFrame:
        silent = self.books.tenders[~self.books.tenders["has_memo"].to_numpy(dtype=bool)]
        silent = silent[(silent["line"] >= 0) & (silent["role"] == 0)]
        at = frame["booked_at"] if "booked_at" in frame else frame["created_at"]
        return frame.assign(at=at)[frame["refund"].isin(silent["refund"])]

    # -- the ledger, document by document --

    def _cash_to_ledger(self) -> None:
        b, gap = self.books, "P-G"
        table = _documents(b.paid, "cents", "booked_at", self.cash_posts, "cents", "posted_at")
        table = table.join(_more(self.cash_posts, b.paid), how="left").fillna(0)
        failed = b.tenders["refund"][b.tenders["has_failed"].to_numpy(dtype=bool)]
        undone = b.paid["document"][b.paid["type"] == FAILURE_ROW]
        table["failed"] = table.index.isin(failed) | table.index.isin(undone)
        given = b.tenders[b.tenders["is_given"].to_numpy(dtype=bool)]
        credit = given.groupby("refund")["amount"].sum().reindex(table.index).fillna(0).astype(int)
        rest = table["left"] - table["right"] + table["copies"]
        self._put_documents(gap, "DUPLICATE", table, -table["copies"])
        taken = np.where(table["failed"], rest, 0)
        self._put_documents(gap, "FAILED_REFUND", table, taken)
        rest = rest - taken
        in_credit = np.where(rest < 0, -np.minimum(-rest, credit), 0)
        self._put_documents(gap, "STORE_CREDIT_OR_EXCHANGE", table, in_credit)
        rest = rest - in_credit
        has_left = table["left"] != 0
        alone = has_left != (table["right"] - credit.where(in_credit != 0, 0) != 0)
        waiting = ~alone & (table["unposted"] != 0) & (rest == table["unposted"])
        since = np.where(has_left, table["left_at"], table["right_at"])
        self._put_aged(gap, table, np.where(alone | waiting, rest, 0), since)
        rest = np.where(alone | waiting, 0, rest)
        self._put_documents(gap, "PROCESSOR_FEE", table, np.where(table["is_net"] > 0, rest, 0))
        self._put_documents(gap, "UNEXPLAINED", table, np.where(table["is_net"] > 0, 0, rest))

    def _memo_to_ledger(self) -> None:
        gap = "M-G"
        memos = self.books.memos.assign(document=self.books.memos["memo"])
        posts = self.memo_posts.assign(credit=-self.memo_posts["cents"])
        table = _documents(memos, "amount", "posted_at", posts, "credit", "posted_at")
        copied = posts[posts["is_copy"].to_numpy(dtype=bool)]
        copies = copied.groupby("document")["credit"].sum().reindex(table.index).fillna(0).astype(int)
        self._put_documents(gap, "DUPLICATE", table, -copies)
        rest = table["left"] - table["right"] + copies
        has_left = table["left"] != 0
        alone = (has_left != (table["right"] != 0)).to_numpy()
        since = np.where(has_left, table["left_at"], table["right_at"])
        self._put_aged(gap, table, np.where(alone, rest, 0), since)
        # A wrong posting of a memo is wrong in its tax.
        self._put_documents(gap, "TAX", table, np.where(alone, 0, rest))

    def _put_documents(self, gap: str, name: str, table: pd.DataFrame, cents: np.ndarray | pd.Series) -> None:
        self.put(gap, name, self.groups(self.cases(table, np.asarray(cents, dtype=np.int64))))

    def _put_aged(self, gap: str, table: pd.DataFrame, cents: np.ndarray, since: np.ndarray) -> None:
        young = self.books.today - since // DAY <= CUTOFF_DAYS
        self._put_documents(gap, "CUTOFF", table, np.where(young, cents, 0))
        self._put_documents(gap, "MISSING_LEG", table, np.where(young, 0, cents))


def _to_come(tenders: pd.DataFrame) -> pd.DataFrame:
    """Those that cash is still to follow, none of them a copy."""
    return tenders[(tenders["counts"] & ~tenders["is_credit"] & (tenders["role"] != 1)).to_numpy(bool)]


def _documents(
    left: pd.DataFrame, left_cents: str, left_at: str, right: pd.DataFrame, right_cents: str, right_at: str
) -> pd.DataFrame:
    """By document: case, cents and latest time on either side."""
    both = {}
    for name, frame, cents, at in (
        ("left", left, left_cents, left_at), ("right", right, right_cents, right_at),
    ):  # fmt: skip
        by = frame.groupby("document")
        both[name], both[f"{name}_at"] = by[cents].sum(), by[at].max()
    case = pd.concat([right, left]).groupby("document")["case"].min()
    return pd.DataFrame({"case": case, **both}).fillna(0).astype(np.int64)


def _more(posts: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """By document: cents posted twice, whether a fee was posted with it, what was booked after the rest."""
    copies = posts["cents"] * posts["is_copy"].to_numpy(dtype=bool)
    found = pd.DataFrame({
        "document": posts["document"], "copies": copies, "is_net": has(posts["bits"], "posted_net"),
        "unposted": 0,
    })  # fmt: skip
    again = paid[has(paid["bits"], "settled_twice") & paid["is_duplicate"].to_numpy(dtype=bool)]
    later = pd.DataFrame({
        "document": again["document"], "copies": 0, "is_net": 0, "unposted": again["cents"],
    })  # fmt: skip
    return pd.concat([found, later]).groupby("document").sum()
