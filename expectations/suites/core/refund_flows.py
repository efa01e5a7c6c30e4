"""Refunds beside settlements and credit memos: three systems on the same money."""

from __future__ import annotations

import datetime as dt

from revlog.gates import checks
from revlog.gates.asset import Asset
from revlog.gates.night import Night

# Processors settle within a week; two months hold enough refunds to be steady.
SETTLED_AFTER_DAYS, WINDOW_DAYS = 8, 60


def assets(night: Night) -> list[Asset]:
    """One asset, one row a currency and pair of systems; none where a feed is not carried."""
    if not {"crm_refunds", "erp_payment_settlements", "erp_credit_memos"} <= night.contracts.keys():
        return []
    until = night.business_date - dt.timedelta(days=SETTLED_AFTER_DAYS)
    since = until - dt.timedelta(days=WINDOW_DAYS)
    values = {"since": checks.date(since), "until": checks.date(until), "days": WINDOW_DAYS}
    return [checks.asset("core/refund_flows", values)]
