"""Codes of the money feeds: components, tenders, statuses, kinds of settlement, accounts."""

from __future__ import annotations

import numpy as np

COMPONENTS = (
    "merchandise", "tax", "shipping", "duty", "restocking_fee", "return_label_fee", "adjustment",
)  # fmt: skip
MERCHANDISE, TAX, SHIPPING, DUTY, RESTOCKING, LABEL, ADJUSTMENT = range(7)
COMPONENT_COUNT = len(COMPONENTS)
TENDERS = ("card", "wallet", "bank", "store_credit", "gift_card")
IS_CREDIT = np.array([False, False, False, True, True])
STATUSES = ("pending", "succeeded", "failed", "canceled")
PENDING_STATUS, SUCCEEDED, FAILED_STATUS, CANCELED = range(4)
TYPES = ("refund", "refund_failure", "chargeback", "fee", "payout")
REFUND_ROW, FAILURE_ROW, CHARGEBACK_ROW, FEE_ROW, PAYOUT_ROW = range(5)

# The ledger's accounts: one a component of a memo, then those that money passes through.
ACCOUNTS = (
    "480100", "177600", "480200", "480300", "483100", "483200", "489900", "176200", "136100", "177700",
)  # fmt: skip
LIABILITY, CLEARING, GIFT_CARDS = 7, 8, 9
