"""`refund_reconciliation` and `refund_exceptions`: everything re-adds, to the cent."""

from __future__ import annotations

from expectations.asset import CRITICAL, WARNING, Asset, no_rows
from expectations.night import Night

# Cents that no class explains are shown; above this share of the credit memos someone should look.
UNEXPLAINED_WARNS = 0.05
# Gaps between neighbouring legs, and the columns of refund_reconciliation that hold them.
GAPS = {
    "E-M": "entitlement_gap", "M-P": "cash_gap", "P-G": "ledger_gap",
    "M-T": "issue_gap", "M-G": "memo_ledger_gap",
}  # fmt: skip
CASH = "status = 'succeeded' and type in ('refund', 'refund_failure', 'chargeback')"
AGAIN = "Build again from the start: python -m warehouse.build --full-refresh."


def assets(night: Night) -> list[Asset]:
    """Three assets; none before both tables are there."""
    if not {"build.refund_reconciliation", "build.refund_exceptions"} <= night.relations:
        return []
    return [_classes(), _legs(), _unexplained()]


def _classes() -> Asset:
    """One row a group and gap whose classes don't add up to it."""
    gaps = " union all ".join(
        f"select group_key, currency, '{gap}' as gap, {column} as gap_amount"
        " from build.refund_reconciliation"
        for gap, column in GAPS.items()
    )
    query = f"""
        select coalesce(g.group_key, e.group_key) as group_key, g.currency,
            coalesce(g.gap, e.gap) as gap, g.gap_amount,
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
        ("group_key", "currency", "gap", "gap_amount", "class_amount"),
    )


def _legs() -> Asset:
    """One row a leg and currency whose documents add up to something else than core holds."""
    query = f"""
        select coalesce(c.leg, d.leg) as leg, coalesce(c.currency, d.currency) as currency,
            c.amount as in_core, d.amount as in_reconciliation
        from (
            select 'M' as leg, currency, sum(amount) as amount
            from core.fct_credit_memo_component group by currency
            union all
            select 'P' as leg, currency, -sum(gross_amount) as amount
            from core.fct_settlement where {CASH} group by currency
        ) as c
        full join (
            select leg, currency, sum(amount) as amount
            from build.refund_documents where leg in ('M', 'P') group by leg, currency
        ) as d on d.leg = c.leg and d.currency = c.currency
        where coalesce(c.amount, 0) <> coalesce(d.amount, 0)
    """
    return Asset(
        "build.refund_documents beside core",
        "publish.reconciliation_legs",
        query.strip(),
        [
            no_rows(
                "money_missing_from_the_reconciliation",
                "true",
                severity=CRITICAL,
                description="All credit memos and all moved cash of core are in a group, once.",
                advice=AGAIN,
            )
        ],
        ("leg", "currency", "in_core", "in_reconciliation"),
    )


def _unexplained() -> Asset:
    return Asset(
        "build.refund_reconciliation by currency",
        "publish.reconciliation_unexplained",
        "select currency, sum(abs(unexplained_amount)) as unexplained,"
        " sum(abs(credited_amount)) as credited"
        " from build.refund_reconciliation group by currency",
        [
            no_rows(
                "much_is_unexplained",
                f"unexplained > {UNEXPLAINED_WARNS} * credited",
                severity=WARNING,
                description=f"At most {UNEXPLAINED_WARNS:.0%} of the credit is unexplained.",
            )
        ],
        ("currency", "unexplained", "credited"),
    )
