"""The general ledger of the accounts that refunds touch, and its nightly file of fixed width.

A credit memo debits what it is for and credits the refund liability; a settled refund debits the
liability and credits the processor's clearing account, or the gift cards. Amounts are cents, debit +.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from simulator.codes import (
    ACCOUNTS,
    CHARGEBACK_ROW,
    CLEARING,
    FAILURE_ROW,
    GIFT_CARDS,
    IS_CREDIT,
    LIABILITY,
    SUCCEEDED,
    TAX,
)
from simulator.company import CURRENCIES, DAY, NEVER, Ids
from simulator.plans import has
from simulator.render import Text, choice, fixed, integer, number, stamp

# What a journal line refers to.
NOTHING, MEMO, REFUND, SETTLEMENT = range(4)
TEXTS = ("Gutschrift für Retoure", "Refund paid", "Refund failed", "Chargeback", "Store credit", "Umbuchung")
# Column: first character (from 1) and number of characters.
WIDTHS = {
    "journal_no": (1, 16), "line_no": (17, 9), "posted_on": (26, 8), "fiscal_period": (34, 7),
    "account": (41, 6), "amount": (47, 16), "currency": (63, 3), "document_ref": (66, 24),
    "text": (90, 40),
}  # fmt: skip
JUNK = ("JUNK{n}", "1", "20250231", "2025-02", "176200", "0.00", "EUR", "", "Februar hat keinen 31.")


def make(
    rng: np.random.Generator,
    sales: pd.DataFrame,
    lines: pd.DataFrame,
    memos: pd.DataFrame,
    tenders: pd.DataFrame,
    settlements: pd.DataFrame,
    manual: pd.DataFrame,
    ids: Ids,
) -> pd.DataFrame:
    """Journal lines: journal, line_no, posted_at, period, account, amount, currency, ref_kind, ref, ...

    What the truth needs besides: case, line; `is_copy` of a journal posted twice; `error` in cents of a
    wrong amount. `period` counts months since 1970.
    """
    heads = pd.concat([
        _of_memos(rng, sales, lines, memos), _of_settlements(rng, settlements),
        _of_credit(rng, lines, tenders), _too_early(lines, tenders), _by_hand(rng, manual),
    ], ignore_index=True)  # fmt: skip
    heads = heads[heads["posted_at"] < NEVER]
    heads = heads.sort_values(["posted_at", "ref_kind", "ref"], kind="stable", ignore_index=True)
    heads["journal"] = ids.take("journal", len(heads))
    entries = _entries(heads, memos)
    entries["seen"] = entries["posted_at"]
    return entries.sort_values(["journal", "line_no"], ignore_index=True)


def _head(part: pd.DataFrame, at: np.ndarray, **columns: object) -> pd.DataFrame:
    """Heads of journals; `amount` is what they debit the liability with."""
    month = np.minimum(at, 2**40).astype("datetime64[s]").astype("datetime64[M]").astype(int)
    return pd.DataFrame({
        "case": part["case"].to_numpy(), "line": part["line"].to_numpy(), "posted_at": at,
        "period": month, "is_copy": False, "error": 0, "ref": -1, "memo": -1, "refund": -1,
        "settlement": -1, "bits": part["bits"].to_numpy(dtype=np.int64), **columns,
    })  # fmt: skip


def _twice(heads: pd.DataFrame, which: np.ndarray) -> pd.DataFrame:
    """The heads, and copies a day later of those that are posted twice."""
    copies = heads[which].assign(is_copy=True, posted_at=heads["posted_at"][which] + DAY)
    return pd.concat([heads, copies], ignore_index=True)


def _of_memos(
    rng: np.random.Generator, sales: pd.DataFrame, lines: pd.DataFrame, memos: pd.DataFrame
) -> pd.DataFrame:
    first = memos.drop_duplicates("memo")
    total = memos.groupby("memo")["amount"].sum()
    bits = memos.groupby("memo")["bits"].max().loc[first["memo"]].to_numpy()
    bits = np.where(first["is_first"], bits, bits & ~_only_first())
    late = has(bits, "posted_late") * rng.integers(12 * DAY, 20 * DAY, len(first))
    at = first["posted_at"].to_numpy() + rng.integers(0, 2 * DAY, len(first)) + late
    wrong = has(bits, "memo_misposted") * rng.integers(300, 900, len(first))
    line, sale = first["line"].to_numpy(), first["sale"].to_numpy()
    currency = np.where(line >= 0, lines["currency"].to_numpy()[line], sales["currency"].to_numpy()[sale])
    heads = _head(
        first, at, amount=-total.loc[first["memo"]].to_numpy() - wrong, error=-wrong, currency=currency,
        ref_kind=MEMO, ref=first["memo"].to_numpy(), memo=first["memo"].to_numpy(), other=-1, text=0,
    )  # fmt: skip
    keep = ~has(bits, "unposted", "memo_unposted")
    return _twice(heads[keep].reset_index(drop=True), has(bits, "memo_posted_twice")[keep])


def _only_first() -> int:
    """Bits of the defects that befall the first memo of a credit only."""
    from simulator.plans import KINDS

    kinds = ("memo_unposted", "posted_late", "memo_posted_twice", "memo_misposted")
    return sum(1 << KINDS.index(kind) for kind in kinds)


def _of_settlements(rng: np.random.Generator, settlements: pd.DataFrame) -> pd.DataFrame:
    moved = settlements[(settlements["type"] <= CHARGEBACK_ROW) & (settlements["status"] == SUCCEEDED)]
    kind, bits = moved["type"].to_numpy(), moved["bits"].to_numpy().astype(np.int64)
    # One lag for all rows of a refund: its tenders are posted together.
    lag = rng.integers(0, 2 * DAY, len(moved))[pd.factorize(moved["refund"])[0]]
    plain = (kind == 0) & ~moved["is_duplicate"].to_numpy(dtype=bool)
    wrong = (has(bits, "cash_misposted") & plain) * rng.integers(300, 900, len(moved))
    net = -1 * (has(bits, "posted_net") & plain) * moved["fee"].to_numpy()
    named = (moved["refund"].to_numpy() >= 0) & (kind != CHARGEBACK_ROW)
    refund, number_ = moved["refund"].to_numpy(), moved["id"].to_numpy()
    heads = _head(
        moved, moved["booked_at"].to_numpy() + lag, amount=-moved["gross"].to_numpy() + wrong + net,
        error=wrong + net, currency=moved["currency"].to_numpy(),
        ref_kind=np.where(named, REFUND, SETTLEMENT), ref=np.where(named, refund, number_),
        refund=np.where(named, refund, -1), settlement=np.where(named, -1, number_), other=CLEARING,
        text=np.array([1, 2, 3])[kind],
    )  # fmt: skip
    heads["period"] += has(bits, "wrong_period") & plain
    failing = has(bits, "failed_later")
    lost = has(bits, "cash_unposted") & (~failing | (kind == FAILURE_ROW))
    keep = ~(has(bits, "unposted") | lost)
    return _twice(heads[keep].reset_index(drop=True), (has(bits, "cash_posted_twice") & plain)[keep])


def _of_credit(rng: np.random.Generator, lines: pd.DataFrame, tenders: pd.DataFrame) -> pd.DataFrame:
    given = tenders[IS_CREDIT[tenders["tender"].to_numpy()] & (tenders["status"] == SUCCEEDED)]
    given = given[given["final_at"] < NEVER]
    return _of_tenders(lines, given, given["final_at"].to_numpy() + rng.integers(0, DAY, len(given)), 4)


def _too_early(lines: pd.DataFrame, tenders: pd.DataFrame) -> pd.DataFrame:
    """Refunds that the ledger shows as paid and the processor has never settled."""
    early = tenders[has(tenders["bits"], "posted_early")]
    return _of_tenders(lines, early, early["created_at"].to_numpy() + DAY, 1, other=CLEARING)


def _of_tenders(
    lines: pd.DataFrame, part: pd.DataFrame, at: np.ndarray, text: int, other: int = GIFT_CARDS
) -> pd.DataFrame:
    refund = part["refund"].to_numpy()
    return _head(
        part, at, amount=part["amount"].to_numpy(), ref_kind=REFUND, ref=refund, refund=refund,
        currency=lines["currency"].to_numpy()[part["line"].to_numpy()], other=other, text=text,
    )  # fmt: skip


def _by_hand(rng: np.random.Generator, manual: pd.DataFrame) -> pd.DataFrame:
    sign = rng.choice([-1, 1], len(manual))
    return _head(
        manual, manual["at"].to_numpy(), amount=sign * manual["amount"].to_numpy(), ref_kind=NOTHING,
        currency=manual["currency"].to_numpy(), other=CLEARING, text=5,
    )  # fmt: skip


def _entries(heads: pd.DataFrame, memos: pd.DataFrame) -> pd.DataFrame:
    """Lines of the journals: those of a memo by component, one counter account otherwise."""
    liability = heads.assign(account=LIABILITY, line_no=1, component=-1)
    cash = heads[heads["memo"] < 0]
    counter = cash.assign(account=cash["other"], line_no=2, component=-1, amount=-cash["amount"], error=0)
    parts = memos.groupby(["memo", "component"], as_index=False)["amount"].sum()
    parts = parts[parts["amount"] != 0]
    what_for = heads[heads["memo"] >= 0].drop(columns="amount").merge(parts, on="memo")
    what_for = what_for.assign(account=what_for["component"], line_no=what_for["component"] + 2)
    # A wrong amount stands on the tax, and on the liability with it.
    wrong = np.where(what_for["component"] == TAX, -what_for["error"], 0)
    what_for = what_for.assign(amount=what_for["amount"] + wrong, error=wrong)
    return pd.concat([liability, counter, what_for], ignore_index=True)


# -- the file --------------------------------------------------------------------------------------


def entry_lines(rows: pd.DataFrame) -> Text:
    """Lines of fixed width; credits have a trailing minus."""
    kind, ref = rows["ref_kind"].to_numpy(), rows["ref"].to_numpy()
    document = number("CM", np.where(kind == MEMO, ref, -1))
    document = pc.coalesce(document, number("RF", np.where(kind == REFUND, ref, -1)))
    document = pc.coalesce(document, number("ST", np.where(kind == SETTLEMENT, ref, -1)))
    period = rows["period"].to_numpy()
    columns = {
        "journal_no": number("J", rows["journal"]),
        "line_no": integer(rows["line_no"]),
        "posted_on": stamp(rows["posted_at"], "%Y%m%d"),
        "fiscal_period": pc.binary_join_element_wise(
            integer(1970 + period // 12), pc.utf8_lpad(integer(period % 12 + 1), 2, "0"), "-"
        ),
        "account": choice(ACCOUNTS, rows["account"]),
        "amount": _trailing(rows["amount"].to_numpy()),
        "currency": choice(CURRENCIES, rows["currency"]),
        "document_ref": pc.fill_null(document, ""),
        "text": choice(TEXTS, rows["text"]),
    }
    padded = [pc.utf8_rpad(columns[name], width) for name, (_, width) in WIDTHS.items()]
    return pc.binary_join_element_wise(*padded, "\n", "")


def _trailing(cents: np.ndarray) -> Text:
    sign = choice(("", "-"), (cents < 0).astype(int))
    return pc.utf8_lpad(pc.binary_join_element_wise(fixed(np.abs(cents)), sign, ""), WIDTHS["amount"][1])


def trailer(records: int, cents: int) -> str:
    """Last line of a file: TRAILER, the count of its lines, the sum of their amounts."""
    amount = f"{abs(cents) // 100}.{abs(cents) % 100:02d}{'-' if cents < 0 else ''}"
    values = {"journal_no": "TRAILER", "line_no": str(records), "amount": amount}
    return "".join(values.get(name, "").ljust(width) for name, (_, width) in WIDTHS.items())


def junk(code: str) -> str:
    """A line with one fault and a journal of its own; it moves no total."""
    fields = zip(JUNK, WIDTHS.values(), strict=True)
    return "".join(value.format(n=code).ljust(width) for value, (_, width) in fields) + "\n"


def month_of(day: dt.date) -> int:
    """Months since 1970."""
    return (day.year - 1970) * 12 + day.month - 1
