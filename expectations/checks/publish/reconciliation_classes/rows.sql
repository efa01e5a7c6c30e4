-- asset: build.refund_exceptions beside gaps
-- key: group_key, currency, gap
-- holds: finance
-- One row a group and gap whose classes don't add up to it. The key names no amount: messages
-- go by mail and stand in logs, where not only finance reads. Data Docs show the rows.
with gaps as (
    select
        group_key,
        return_line_key,
        currency,
        'E-M' as gap,
        entitlement_gap as gap_amount
    from build.refund_reconciliation
    union all
    select
        group_key,
        return_line_key,
        currency,
        'M-P' as gap,
        cash_gap as gap_amount
    from build.refund_reconciliation
    union all
    select
        group_key,
        return_line_key,
        currency,
        'P-G' as gap,
        ledger_gap as gap_amount
    from build.refund_reconciliation
    union all
    select
        group_key,
        return_line_key,
        currency,
        'M-T' as gap,
        issue_gap as gap_amount
    from build.refund_reconciliation
    union all
    select
        group_key,
        return_line_key,
        currency,
        'M-G' as gap,
        memo_ledger_gap as gap_amount
    from build.refund_reconciliation
),

classes as (
    select
        group_key,
        gap,
        sum(amount) as class_amount
    from build.refund_exceptions
    group by group_key, gap
)

select
    g.group_key,
    g.return_line_key,
    g.currency,
    g.gap,
    g.gap_amount,
    coalesce(e.class_amount, 0) as class_amount
from gaps as g
full join classes as e on g.group_key = e.group_key and g.gap = e.gap
where coalesce(g.gap_amount, 0) <> coalesce(e.class_amount, 0)
