-- Grain: one row per match group, day and gap M-P or M-T: what either leg holds, and what is known of the
-- payments that may explain the difference. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'gap']}]) }}

with days as (
    select group_key, day from {{ ref('refund_days') }}
),

credited as (
    select
        group_key,
        day,
        bool_or(has_memo) as has_memo,
        bool_or(has_entitlement) as has_entitlement,
        sum(credited_amount) as credited_amount,
        sum(duplicate_amount) as duplicate_amount,
        sum(made_good_amount) as made_good_amount,
        {%- for component in ('tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee') %}
        sum(credited_{{ component }}) as {{ component }}_amount,
        {%- endfor %}
        max(credited_on) as credited_on
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

paid as (
    select * from {{ ref('refund_payment_sums') }}
)

select
    days.group_key,
    days.day,
    gaps.gap,
    coalesce(credited.has_memo, false) as has_memo,
    coalesce(credited.has_entitlement, false) as has_entitlement,
    case gaps.gap when 'M-P' then coalesce(paid.has_cash, false)
        else coalesce(paid.issued_amount, 0) > 0 end as has_payment,
    coalesce(credited.credited_amount, 0) as credited_amount,
    coalesce(credited.duplicate_amount, 0) as duplicate_memo_amount,
    case gaps.gap when 'M-P' then coalesce(paid.paid_amount, 0)
        else coalesce(paid.issued_amount, 0) end as payment_amount,
    coalesce(copies.duplicate_amount, 0) as duplicate_payment_amount,
    -- what may explain the rest
    case gaps.gap when 'M-P' then paid.failed_cash_amount else paid.failed_amount end
        as failed_amount,
    coalesce(credited.made_good_amount, 0)
    + case gaps.gap when 'M-P' then coalesce(paid.given_amount, 0) else 0 end as in_credit_amount,
    case gaps.gap when 'M-P' then paid.fx_amount end as fx_amount,
    case gaps.gap when 'M-P' then paid.kept_fee_amount end as kept_fee_amount,
    coalesce(case gaps.gap when 'M-P' then paid.mispaid_amount end, 0) as mispaid_amount,
    {%- for component in ('tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee') %}
    coalesce(credited.{{ component }}_amount, 0) as {{ component }}_amount,
    {%- endfor %}
    case gaps.gap when 'M-P' then paid.waiting_amount end as waiting_amount,
    paid.waiting_on,
    case gaps.gap when 'M-P' then paid.unnamed_paid_amount else paid.unnamed_issued_amount end
        as unnamed_amount,
    case gaps.gap when 'M-P' then paid.unnamed_paid_on else paid.unnamed_issued_on end as unnamed_on,
    -- timing
    credited.credited_on,
    case gaps.gap when 'M-P' then paid.paid_on else paid.issued_on end as payment_on
from days
cross join (values ('M-P', 'P'), ('M-T', 'T')) as gaps (gap, side)
left join credited on days.group_key = credited.group_key and days.day = credited.day
left join paid on days.group_key = paid.group_key and days.day = paid.day
left join {{ ref('refund_copy_days') }} as copies
    on days.group_key = copies.group_key and days.day = copies.day and gaps.side = copies.side
