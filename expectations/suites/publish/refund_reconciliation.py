"""`refund_reconciliation` and `refund_exceptions`: everything re-adds, to the cent.

Messages name keys and no amount: they go by mail and stand in logs, where not only finance reads. Data Docs
show the rows.
"""

from __future__ import annotations

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

HOLDS = ("finance",)
# Cents that no class explains are shown; above this share of the credit memos someone should look.
UNEXPLAINED_WARNS = 0.05
# Each leg: the fact whose money it holds, the document by which the bridge knows it, amount, day, rows.
LEGS = (
    ("credit memos", "fct_credit_memo_component", "memo", "memo_no", "amount", "posted_on", "true"),
    (
        "cash", "fct_settlement", "settlement", "settlement_id", "-gross_amount", "booked_on",
        "status = 'succeeded' and type in ('refund', 'refund_failure', 'chargeback')",
    ),
)  # fmt: skip
GAPS = {
    "E-M": "entitlement_gap", "M-P": "cash_gap", "P-G": "ledger_gap", "M-T": "issue_gap",
    "M-G": "memo_ledger_gap",
}  # fmt: skip
AGAIN = "Compute everything anew: python -m nightly DATE --full-refresh."


def assets(night: Night) -> list[Asset]:
    """Three assets; none before both tables are there."""
    if not {"build.refund_reconciliation", "build.refund_exceptions"} <= night.relations:
        return []
    return [_classes(), _legs(night), _unexplained()]


def _classes() -> Asset:
    """One row a group and gap whose classes don't add up to it."""
    gaps = " union all ".join(
        f"select group_key, return_line_key, currency, '{gap}' as gap, {column} as gap_amount"
        " from build.refund_reconciliation"
        for gap, column in GAPS.items()
    )
    query = f"""
        select g.group_key, g.return_line_key, g.currency, g.gap, g.gap_amount,
            coalesce(e.class_amount, 0) as class_amount
        from ({gaps}) as g
        full join (
            select group_key, gap, sum(amount) as class_amount
            from build.refund_exceptions group by group_key, gap
        ) as e on e.group_key = g.group_key and e.gap = g.gap
        where coalesce(g.gap_amount, 0) <> coalesce(e.class_amount, 0)
    """
    return Asset(
        "build.refund_exceptions beside gaps",
        "publish.reconciliation_classes",
        query.strip(),
        [
            no_rows(
                "classes_do_not_add_up_to_the_gap",
                "true",
                severity=CRITICAL,
                description="The classes of every group add up to its gaps, to the cent.",
                advice=AGAIN,
            )
        ],
        ("group_key", "currency", "gap"),
        HOLDS,
    )


def _legs(night: Night) -> Asset:
    """One row a memo or settlement group whose money is not what the reconciliation holds."""
    core = " union all ".join(_core(night, *leg) for leg in LEGS)
    query = f"""
        select c.group_key, c.leg, c.currency, c.amount as in_core, r.amount as in_reconciliation
        from ({core}) as c
        left join (
            select group_key, 'credit memos' as leg, currency, credited_amount as amount
            from build.refund_reconciliation
            union all
            select group_key, 'cash' as leg, currency, paid_amount as amount
            from build.refund_reconciliation
        ) as r on r.group_key = c.group_key and r.leg = c.leg
        -- A memo and its reversal, or a refund and its failure, leave nothing behind.
        where (r.group_key is null and c.amount <> 0)
            -- Cash in another currency than the group's is converted there, and not compared here.
            or (r.currency = c.currency and c.currencies = 1 and r.amount <> c.amount)
    """
    return Asset(
        "build.refund_reconciliation beside core",
        "publish.reconciliation_legs",
        query.strip(),
        [
            no_rows(
                "money_missing_from_the_reconciliation",
                "true",
                severity=CRITICAL,
                description="All credit memos and all settled cash of core are in their group.",
                advice=AGAIN,
            )
        ],
        ("group_key", "leg", "currency"),
        HOLDS,
    )


def _core(
    night: Night, leg: str, fact: str, document: str, key: str, amount: str, day: str, where: str
) -> str:
    return f"""
            select b.group_key, '{leg}' as leg, min(f.currency) as currency,
                count(distinct f.currency) as currencies, sum(f.amount) as amount
            from (
                select unit_key, {key} as document_no, currency, {amount} as amount
                from core.{fact} where {where} and {day} <= date '{night.as_of}'
            ) as f
            left join core.bridge_refund_document as b
                on b.document_type = '{document}' and b.document_no = f.document_no
                    and b.unit_key = f.unit_key
            group by b.group_key
    """.strip()


def _unexplained() -> Asset:
    return Asset(
        "build.refund_reconciliation by currency",
        "publish.reconciliation_unexplained",
        # Of the chain alone: the side gaps say more of the same money.
        """
        select currency, sum(abs(unexplained)) as unexplained, sum(credited) as credited
        from (
            select currency, amount as unexplained, 0 as credited
            from build.refund_exceptions where class = 'UNEXPLAINED' and is_chain
            union all
            select currency, 0, abs(credited_amount) from build.refund_reconciliation
        ) as sides
        group by currency
        """.strip(),
        [
            no_rows(
                "much_is_unexplained",
                f"unexplained > {UNEXPLAINED_WARNS} * credited",
                severity=WARNING,
                description=f"At most {UNEXPLAINED_WARNS:.0%} of the credit is unexplained.",
            )
        ],
        ("currency",),
        HOLDS,
    )
