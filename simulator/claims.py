"""Claims against vendors for goods sent back to them, and the terms of the vendors."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from simulator.company import DAY, NEVER, RV, VENDORS, Ids, Items, day_of, epoch, quota, rounded
from simulator.orders import unambiguous

CLAIM_STATUSES = ("open", "credited", "partly_credited", "rejected")
OPEN, CREDITED, PARTLY_CREDITED, REJECTED = range(4)
ANSWER_WEIGHTS = np.array([0.13, 0.60, 0.15, 0.12])
OWN_STOCK = 0.04  # claims for goods that no customer has had
TERMS_FROM = epoch(dt.date(2025, 1, 1)) // DAY
QUARTER = 91


def recovery_pct(vendor: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    """Percent of the purchase cost that a vendor credits on a day; every fifth gives less with time."""
    quarters = ((np.asarray(day) - TERMS_FROM) // QUARTER).clip(0, 10)
    return 90 - 5 * (vendor % 6) - np.where(vendor % 5 == 0, 2 * quarters, 0)


def make_claims(
    rng: np.random.Generator,
    items: Items,
    lines: pd.DataFrame,
    receipts: pd.DataFrame,
    dispositions: pd.DataFrame,
    ids: Ids,
) -> pd.DataFrame:
    """One claim line per disposition to the vendor, and some for goods of the company's own stock.

    Columns: receipt (-1 without), item, vendor, quantity, claimed and credited (euro cents, credited
    once it is answered), answer (the status it gets), opened_at, answered_at, claim, line_no, seen,
    is_late.
    """
    sent = dispositions[(dispositions["code"] == RV) & (dispositions["reverses"] < 0)]
    receipt = sent["receipt"].to_numpy()
    own = max(1, round(len(sent) * OWN_STOCK)) if len(sent) else 0
    size = len(sent) + own
    item = np.concatenate([
        lines["item"].to_numpy()[receipts["line"].to_numpy()[receipt]], rng.integers(0, items.sold, own)
    ])  # fmt: skip
    at = sent["disposed_at"].to_numpy()
    opened = np.concatenate([at, at[:own]]) + rng.integers(0, 3 * DAY, size)
    opened = unambiguous(opened)
    answer = quota(rng, ANSWER_WEIGHTS, size, least=1)
    answered = unambiguous(opened + rng.integers(5 * DAY, 60 * DAY, size))
    quantity = np.concatenate([sent["quantity"].to_numpy(), rng.integers(1, 9, own)])
    claimed = rounded(items.unit_cost[items.version(opened), item] * quantity, 100)
    vendor = item % VENDORS
    due = rounded(claimed * recovery_pct(vendor, day_of(opened)), 100)
    claims = pd.DataFrame({
        "receipt": np.concatenate([receipt, np.full(own, -1)]), "item": item, "vendor": vendor,
        "quantity": quantity, "claimed": claimed,
        "credited": np.select([answer == CREDITED, answer == PARTLY_CREDITED], [due, due // 2], 0),
        "answer": answer, "opened_at": opened,
        "answered_at": np.where(answer == OPEN, NEVER, answered), "seen": opened, "is_late": False,
    })  # fmt: skip
    return _numbered(claims, ids)


def _numbered(claims: pd.DataFrame, ids: Ids) -> pd.DataFrame:
    """Claims of one vendor and day go together under one number."""
    together = [claims["vendor"], day_of(claims["opened_at"].to_numpy())]
    first = pd.Series(np.arange(len(claims))).groupby(together).transform("min").to_numpy(dtype=int)
    claims["claim"] = ids.take("claim", len(claims))[first]
    claims["line_no"] = claims.groupby("claim").cumcount() + 1
    return claims
