-- Σ class amounts = Σ gap, in each group and gap. A row here is money that the page does not explain.
{{ config(meta={'failure_means': 'The classes of a gap do not add up to it; finance must not see this.'}) }}
with gaps as (
    select groups.group_key, gap.gap, gap.amount
    from {{ ref('refund_reconciliation') }} as groups
    cross join lateral (
        values
        ('E-M', entitlement_gap), ('M-P', cash_gap), ('P-G', ledger_gap), ('M-T', issue_gap),
        ('M-G', memo_ledger_gap)
    ) as gap (gap, amount)
    where {{ touched_refund_units_only('groups.unit_key') }}
),

explained as (
    select group_key, gap, sum(amount) as amount
    from {{ ref('refund_exceptions') }}
    group by group_key, gap
)

select
    gaps.group_key,
    gaps.gap,
    gaps.amount as gap_amount,
    explained.amount as class_amount
from gaps
left join explained
    on gaps.group_key = explained.group_key and gaps.gap = explained.gap
where gaps.amount <> coalesce(explained.amount, 0)
