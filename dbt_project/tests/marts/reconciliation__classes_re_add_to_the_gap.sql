-- Σ class amounts = Σ gap, in each group and gap. A row here is money that the page does not explain.
{{ config(meta={'failure_means': 'The classes of a gap do not add up to it; finance must not see this.'}) }}
with gaps as (

    select group_key, 'E-M' as gap, entitlement_gap as amount from {{ ref('refund_reconciliation') }}
    union all
    select group_key, 'M-P' as gap, cash_gap as amount from {{ ref('refund_reconciliation') }}

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
    explained.amount as explained_amount
from gaps
left join explained
    on explained.group_key = gaps.group_key and explained.gap = gaps.gap
where gaps.amount <> coalesce(explained.amount, 0)
