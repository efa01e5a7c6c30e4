-- Grain: one row per match group, day, gap (M-P, M-T) and amount that is paid, or issued, more than once: how
-- often, and how often of it in refunds that no memo names. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'gap']}]) }}

with refunds as (
    select * from {{ ref('refund_settlement_days') }}
),

payments as (
    select group_key, day, 'M-T' as gap, issued_amount as amount, 1 as copies, is_named
    from refunds
    where issued_amount > 0
    union all
    -- what an exchange rate, a fee or a wrong amount made of a refund is no other payment
    select group_key, day, 'M-P' as gap, expected_amount as amount, 1 as copies, is_named
    from refunds
    where issued_amount > 0 and expected_amount > 0 and (paid_amount <> 0 or given_amount > 0)
    union all
    -- each that failed later takes one of its amount away
    select
        refunds.group_key, refunds.day, 'M-P' as gap, abs(documents.group_amount) as amount,
        sign(documents.group_amount) as copies, refunds.is_named
    from refunds
    inner join {{ ref('refund_documents') }} as documents
        on refunds.group_key = documents.group_key and refunds.item = documents.item
        and refunds.day >= documents.effective_on
    where documents.leg = 'P' and refunds.issued_amount = 0 and refunds.charged_back_amount = 0
)

select
    group_key,
    day,
    gap,
    amount,
    sum(copies) as copies,
    coalesce(sum(copies) filter (where not is_named), 0) as unnamed_copies
from payments
group by group_key, day, gap, amount
having sum(copies) > 1 and sum(copies) filter (where not is_named) > 0
