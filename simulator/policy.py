"""What a return entitles to: the company's return policy, by the day of the sale.

Until the end of 2024 a fault of the seller, the maker or the carrier brought the shipping back, and
customers who changed their mind paid for the label. Since then only goods and their tax are refunded,
less the item's restocking fee where the customer is the cause.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from simulator.codes import COMPONENT_COUNT, LABEL, MERCHANDISE, RESTOCKING, SHIPPING, TAX
from simulator.company import CUSTOMER_FAULT, REFUND, STORE_CREDIT, epoch, rounded
from simulator.returns import BLIND_ORDER, RETURNLESS

NEW_POLICY_AT = epoch(dt.date(2025, 1, 1))
# Cents by currency; a label is charged once a return line.
LABEL_FEE_CENTS = np.array([395, 350, 450, 4500])
# DEFECTIVE to MISSING_PARTS, ARRIVED_LATE to RECALL
IS_OTHERS_FAULT = np.isin(np.arange(len(CUSTOMER_FAULT)), (0, 1, 2, 3, 4, 9, 10, 11, 12))


def entitled(
    lines: pd.DataFrame,
    sales: pd.DataFrame,
    row: np.ndarray,
    units: np.ndarray,
    before: np.ndarray | int = 0,
    in_money: bool = True,
) -> np.ndarray:
    """Cents that units after `before` earlier ones entitle to: shape (rows, components).

    Each is the value of all units up to then less that of the earlier ones, so that parts re-add.
    Exchange, repair and replacement give goods, not money: 0, unless `in_money` is False.
    """
    upto = np.asarray(before) + units
    return _value(lines, sales, row, upto, in_money) - _value(lines, sales, row, before, in_money)


def _value(
    lines: pd.DataFrame, sales: pd.DataFrame, row: np.ndarray, units: np.ndarray | int, in_money: bool
) -> np.ndarray:
    part = lines.iloc[row]
    sale = part["sale"].to_numpy()
    sold = np.maximum(part["sold"].to_numpy(), 1)
    units = np.minimum(np.broadcast_to(units, len(part)), sold)
    known = sale >= 0
    pays = known & np.isin(part["resolution"], (REFUND, STORE_CREDIT)) if in_money else known
    is_old = (sales["ordered_at"].to_numpy()[sale] < NEW_POLICY_AT) & known
    names_reason = ~np.isin(part["path"], (BLIND_ORDER,))
    is_refund = (part["resolution"] == REFUND).to_numpy()
    # What nobody restocks costs no fee; a blind parcel gives no reason.
    owes = CUSTOMER_FAULT[part["reason"].to_numpy()] & is_refund & names_reason
    owes &= (part["path"] != RETURNLESS).to_numpy()
    ship = IS_OTHERS_FAULT[part["reason"].to_numpy()] & names_reason & is_old

    found = np.zeros((len(part), COMPONENT_COUNT), dtype=np.int64)
    found[:, MERCHANDISE] = rounded(part["net"].to_numpy() * units, sold)
    found[:, TAX] = rounded(part["tax"].to_numpy() * units, sold)
    shipping = sales["shipping"].to_numpy()[sale]
    found[:, SHIPPING] = rounded(shipping * units, sold) * ship
    found[:, RESTOCKING] = -rounded(found[:, MERCHANDISE] * part["fee_pct"].to_numpy(), 100) * owes
    fee = LABEL_FEE_CENTS[part["currency"].to_numpy().clip(0)]
    found[:, LABEL] = -fee * (owes & is_old & (units > 0))
    return found * pays[:, None]
