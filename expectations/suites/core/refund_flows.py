"""Refunds beside settlements and credit memos: three systems on the same money.

They never agree to the cent on one day, which is what the reconciliation is for. They agree within
a few percent over two months that are old enough to have settled; where they don't, a feed is
missing or a sign has turned.
"""

from __future__ import annotations

import datetime as dt

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

# Processors settle within a week; two months hold enough refunds to be steady.
SETTLED_AFTER_DAYS, WINDOW_DAYS = 8, 60
# Exchanges have a memo and no refund, so memos are always somewhat more.
WARNS, BLOCKS = 0.20, 0.50
# Fewer refunds than this scatter too much for a share.
LEAST_REFUNDS = 50


def assets(night: Night) -> list[Asset]:
    """One asset, one row a currency and pair of systems; none where a feed is not carried."""
    if not {"crm_refunds", "erp_payment_settlements", "erp_credit_memos"} <= night.contracts.keys():
        return []
    until = night.business_date - dt.timedelta(days=SETTLED_AFTER_DAYS)
    since = until - dt.timedelta(days=WINDOW_DAYS)
    return [
        Asset(
            "refunds, settlements, memos",
            "core.refund_flows",
            _query(f"between date '{since}' and date '{until}'"),
            [
                no_rows(
                    "refund_sums_far_apart",
                    f"refunds >= {LEAST_REFUNDS} and gap_share > {BLOCKS}",
                    severity=CRITICAL,
                    description=f"Sums of refunds, settlements and memos of {WINDOW_DAYS} days"
                    f" are within {BLOCKS:.0%} of each other, by currency.",
                    advice="A feed is missing, doubled or has turned its sign: compare the daily"
                    " sums of core.fct_refund_tender with the other fact.",
                ),
                no_rows(
                    "refund_sums_apart",
                    f"refunds >= {LEAST_REFUNDS} and gap_share > {WARNS}",
                    severity=WARNING,
                    description=f"They are within {WARNS:.0%} of each other.",
                ),
            ],
            ("currency", "compared", "gap_share"),
            ("finance",),
        )
    ]


def _query(period: str) -> str:
    return f"""
        select t.*, round(abs(t.refunded - t.other) / nullif(t.refunded, 0), 4) as gap_share
        from (
            select r.currency, 'settlements' as compared, r.refunds, r.cash as refunded,
                coalesce(s.settled, 0) as other
            from ({_refunds(period)}) as r
            left join (
                select currency, -sum(gross_amount) as settled
                from core.fct_settlement
                where status = 'succeeded' and type in ('refund', 'refund_failure')
                    and booked_on {period}
                group by currency
            ) as s on s.currency = r.currency
            union all
            select r.currency, 'credit memos' as compared, r.refunds, r.refunded,
                coalesce(m.credited, 0) as other
            from ({_refunds(period)}) as r
            left join (
                select currency, sum(amount) as credited
                from core.fct_credit_memo_component
                where posted_on {period}
                group by currency
            ) as m on m.currency = r.currency
        ) as t
    """.strip()


def _refunds(period: str) -> str:
    return f"""
        select currency, count(*) as refunds, sum(amount) as refunded,
            coalesce(sum(amount) filter (where not is_credit_tender), 0) as cash
        from core.fct_refund_tender
        where status = 'succeeded' and created_on {period}
        group by currency
    """
