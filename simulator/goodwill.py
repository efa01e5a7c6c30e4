"""Money without a return: shipping given back as goodwill, orphans, journals that someone wrote by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.codes import REFUND_ROW, SHIPPING, SUCCEEDED
from simulator.company import DAY, HOUR, NEVER, Ids, pick, quota
from simulator.habits import Habits
from simulator.plans import KINDS as DEFECTS

# How such a refund looks in the books; each a structure of its own.
KINDS = (
    "complete", "by_amount", "ambiguous", "unsettled", "unposted", "unsettled_unposted",
    "memo_missing", "memo_missing_unposted", "orphan_cash", "orphan_cash_posted", "manual",
)  # fmt: skip
(COMPLETE, BY_AMOUNT, AMBIGUOUS, UNSETTLED, UNPOSTED, UNSETTLED_UNPOSTED, NO_MEMO, NO_MEMO_UNPOSTED,
 ORPHAN, ORPHAN_POSTED, MANUAL) = range(11)  # fmt: skip
SHARE = 0.004


@dataclass(frozen=True)
class Goodwill:
    """Refunds of outbound shipping without any return; `manual` are cents that someone posted."""

    tenders: pd.DataFrame
    memos: pd.DataFrame
    settlements: pd.DataFrame
    manual: pd.DataFrame


def make(
    rng: np.random.Generator,
    sales: pd.DataFrame,
    lines: pd.DataFrame,
    ids: Ids,
    habits: Habits,
    defects: int | None,
) -> Goodwill:
    """Choose sales that stay sold and give their shipping back."""
    kept = (sales["shipped_at"] < NEVER) & (sales["shipping"] > 0)
    kept &= ~np.isin(np.arange(len(sales)), lines["sale"])
    kinds = _kinds(rng, len(lines), habits, defects)
    sale = rng.permutation(np.flatnonzero(kept))[: len(kinds)]
    kinds = kinds[: len(sale)]
    # Two refunds of one amount in one order, and two memos that name neither.
    again = np.flatnonzero(kinds == AMBIGUOUS)
    kinds, sale = np.concatenate([kinds, kinds[again]]), np.concatenate([sale, sale[again]])
    rows = pd.DataFrame({
        "kind": kinds, "sale": sale, "line": -1, "case": len(lines) + np.arange(len(sale)),
        "amount": sales["shipping"].to_numpy()[sale], "currency": sales["currency"].to_numpy()[sale],
        "at": sales["shipped_at"].to_numpy()[sale] + rng.integers(4 * DAY, 9 * DAY, len(sale)),
        "refund": ids.take("refund", len(sale)), "memo": ids.take("memo", len(sale)),
    })  # fmt: skip
    later = rows.duplicated("sale") & (rows["kind"] == AMBIGUOUS)
    noon = rows["at"] // DAY * DAY + 12 * HOUR
    rows["at"] = np.where(rows["kind"] == AMBIGUOUS, noon, rows["at"])
    first = rows.drop_duplicates("sale").set_index("sale")["at"]
    rows["at"] = np.where(later, first.loc[rows["sale"]].to_numpy() + HOUR, rows["at"])
    rows["bits"] = _unposted_bits(kinds)
    return Goodwill(_tenders(rows), _memos(rows), _settlements(rows), rows[rows["kind"] == MANUAL])


def _kinds(rng: np.random.Generator, returns: int, habits: Habits, defects: int | None) -> np.ndarray:
    wanted = max(1, round(returns * SHARE))
    if defects == 0:
        return np.full(wanted, COMPLETE)
    others = len(KINDS) - 1
    weights = np.array([habits.goodwill_complete] + [(1 - habits.goodwill_complete) / others] * others)
    if defects is None and not habits.has_every_case:
        return pick(rng, weights, wanted)
    least = 1 if defects is None else defects
    if returns < 100:  # a night's block
        return rng.integers(0, len(KINDS), wanted)
    return quota(rng, weights, max(wanted, least * len(KINDS) + 4), least)


def _unposted_bits(kinds: np.ndarray) -> np.ndarray:
    unposted = np.isin(kinds, (UNPOSTED, UNSETTLED_UNPOSTED, NO_MEMO_UNPOSTED, ORPHAN))
    return np.where(unposted, 1 << DEFECTS.index("unposted"), 0)


def _memos(rows: pd.DataFrame) -> pd.DataFrame:
    kinds = (COMPLETE, BY_AMOUNT, AMBIGUOUS, UNSETTLED, UNPOSTED, UNSETTLED_UNPOSTED)
    part = rows[np.isin(rows["kind"], kinds)]
    silent = np.isin(part["kind"], (BY_AMOUNT, AMBIGUOUS))
    return pd.DataFrame({
        "line": -1, "case": part["case"], "sale": part["sale"], "credited": -1,
        "refund": np.where(silent, -1, part["refund"]), "memo": part["memo"], "memo_line": 1,
        "component": SHIPPING, "amount": part["amount"], "posted_at": part["at"], "seen": part["at"],
        "reverses": -1, "is_duplicate": False, "bits": part["bits"], "is_first": True,
        # Nothing joins the two pairs: each memo and each refund is a case of its own.
        "is_alone": part["kind"] == AMBIGUOUS,
    })  # fmt: skip


def _tenders(rows: pd.DataFrame) -> pd.DataFrame:
    part = rows[~np.isin(rows["kind"], (ORPHAN, ORPHAN_POSTED, MANUAL))]
    never = np.isin(part["kind"], (UNSETTLED, UNSETTLED_UNPOSTED))
    return pd.DataFrame({
        "line": -1, "case": part["case"], "sale": part["sale"], "credited": -1, "refund": part["refund"],
        "tender_no": 1, "amount": part["amount"], "tender": 0, "key": part["refund"],
        "created_at": part["at"], "final_at": np.where(never, NEVER, part["at"] + DAY),
        "status": SUCCEEDED, "role": 0, "bits": part["bits"],
    })  # fmt: skip


def _settlements(rows: pd.DataFrame) -> pd.DataFrame:
    part = rows[~np.isin(rows["kind"], (UNSETTLED, UNSETTLED_UNPOSTED, MANUAL))]
    orphan = np.isin(part["kind"], (ORPHAN, ORPHAN_POSTED))
    return pd.DataFrame({
        "line": -1, "case": part["case"], "sale": np.where(orphan, -1, part["sale"]),
        "refund": np.where(orphan, -1, part["refund"]), "type": REFUND_ROW, "gross": -part["amount"],
        "fee": 0, "booked_at": part["at"] + DAY, "currency": part["currency"], "status": SUCCEEDED,
        "is_duplicate": False, "due": part["amount"], "bits": part["bits"],
    })  # fmt: skip


__all__ = ["KINDS", "Goodwill", "make"]
