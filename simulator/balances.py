"""Exchanges for something dearer or cheaper: what is sent instead, and the balance that is paid in cash."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.codes import MERCHANDISE, REFUND_ROW, SUCCEEDED, TAX
from simulator.company import COUNTRY_TAX_PCT, DAY, EXCHANGE, HOUR, NEVER, REPLACEMENT, pick, rounded

# Cents of rounding that are no balance.
NO_BALANCE_CENTS = 2
# What the goods sent are sold for, in per cent of what came back, and how often each.
PRICES_PCT, PRICE_WEIGHTS = np.array([60, 80, 90, 110, 125]), np.array([0.15, 0.25, 0.2, 0.2, 0.2])


def choose(
    rng: np.random.Generator, lines: pd.DataFrame, received: np.ndarray, credited: pd.DataFrame, share: float
) -> np.ndarray:
    """Per cent of its price for which each credit's goods are replaced: 100 but for `share` of the exchanges.

    An RMA with several lines to be replaced stays like for like: which goods replace which is not told.
    """
    row = credited["line"].to_numpy()
    rma = lines["rma"].to_numpy()
    replaced = np.isin(lines["resolution"], (EXCHANGE, REPLACEMENT)) & (rma >= 0)
    alone = pd.Series(rma[replaced]).value_counts()
    is_alone = alone.reindex(rma[row]).fillna(0).to_numpy() == 1
    fits = (lines["resolution"].to_numpy()[row] == EXCHANGE) & is_alone
    fits &= (received[row] == credited["units"].to_numpy()) & (received[row] > 0)
    uneven = fits & (rng.random(len(row)) < share)
    prices = PRICES_PCT[pick(rng, PRICE_WEIGHTS, len(row))]
    return np.where(uneven, prices, 100)


def price(sale: pd.DataFrame, units: np.ndarray, pct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cents of the units sent instead of those of a sale, and their tax."""
    net = rounded(sale["net"].to_numpy() * units, sale["quantity"].to_numpy())
    net = rounded(net * pct, 100)
    return net, rounded(net * COUNTRY_TAX_PCT[sale["country"].to_numpy()], 100)


def tenders(
    rng: np.random.Generator, lines: pd.DataFrame, sales: pd.DataFrame, credited: pd.DataFrame
) -> pd.DataFrame:
    """Refunds of what the goods sent are cheaper by; columns as of the other tenders."""
    cheaper = np.flatnonzero(credited["price_pct"] < 100)
    part = credited.iloc[cheaper]
    sale = sales.iloc[lines["sale"].to_numpy()[part["line"].to_numpy()]]
    net, tax = price(sale, part["units"].to_numpy(), part["price_pct"].to_numpy())
    back = part[f"d{MERCHANDISE}"].to_numpy() + part[f"d{TAX}"].to_numpy()
    created = part["at"].to_numpy() + 2 * HOUR
    found = pd.DataFrame({
        "credited": cheaper, "line": part["line"].to_numpy(), "case": part["line"].to_numpy(),
        "refund": part["refund"].to_numpy(), "tender_no": 1, "amount": back - net - tax, "tender": 0,
        "created_at": created, "final_at": created + rng.integers(2 * HOUR, 2 * DAY, len(part)),
        "status": SUCCEEDED, "role": 0, "sale": -1, "bits": 0, "key": part["refund"].to_numpy(),
    })  # fmt: skip
    return found[found["amount"] > 0]


def settlements(lines: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """What the processor books of them; columns as of the other settlements."""
    amount = paid["amount"].to_numpy()
    return pd.DataFrame({
        "line": paid["line"], "case": paid["case"], "refund": paid["refund"], "type": REFUND_ROW,
        "gross": -amount, "fee": 0, "currency": lines["currency"].to_numpy()[paid["line"].to_numpy()],
        "booked_at": paid["final_at"], "status": SUCCEEDED, "is_duplicate": False, "due": amount,
        "bits": 0, "sale": -1,
    })  # fmt: skip


def mark_sent(credited: pd.DataFrame, sent: pd.DataFrame | None = None) -> None:
    """Note with each credit what was sent instead: units, cents with their tax, and when it was shipped."""
    if sent is None:
        credited["sent_units"], credited["sent"], credited["sent_at"] = 0, 0, NEVER
        return
    credited.loc[sent.index, "sent_units"] = sent["quantity"]
    credited.loc[sent.index, "sent"] = sent["net"] + sent["tax"]
    credited.loc[sent.index, "sent_at"] = sent["shipped_at"]
