-- Grain: one row per match group, day, gap (P-G, M-G) and class; only classes with cents; those of a
-- group's documents added up. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with documents as (
    select
        *,
        moved_amount - posted_amount + copied_amount as open_amount
    from {{ ref('refund_posting_days') }}
),

failed as (
    select *, case when has_failed then open_amount else 0 end as failed_share
    from documents
),

given as (
    select
        *,
        -- credit that is posted and moves no cash
        -{{ up_to('-(open_amount - failed_share)', 'given_amount') }} as credit_share
    from failed
),

rest as (
    select
        *,
        open_amount - failed_share - credit_share as rest_amount,
        -- postings beside those of the credit
        moved_amount <> 0 as has_moved,
        posted_amount + case when credit_share <> 0 then -given_amount else 0 end <> 0 as has_posted
    from given
),

explained as (
    select
        *,
        has_moved and has_posted as has_both,
        case
            when has_moved <> has_posted
                then day - case when has_moved then moved_on else posted_on end
                    <= {{ var('cutoff_days', 7) }}
            else coalesce(day - behind_since <= {{ var('cutoff_days', 7) }}, false)
        end as is_cutoff
    from rest
),

classes as (
    select explained.group_key, explained.day, explained.gap, share.class, share.amount
    from explained
    cross join lateral (
        values
        ('DUPLICATE', -explained.copied_amount),
        ('FAILED_REFUND', explained.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', explained.credit_share),
        (
            case
                when explained.is_cutoff then 'CUTOFF'
                when explained.has_both and explained.has_two_currencies then 'FX'
                when explained.has_both and explained.gap = 'P-G' and explained.fee_amount <> 0
                    and abs(explained.rest_amount) = abs(explained.fee_amount) then 'PROCESSOR_FEE'
                when explained.has_both and abs(explained.rest_amount) <= 0.02 and explained.gap = 'P-G' then 'ROUNDING'
            end, explained.rest_amount
        )
    ) as share (class, amount)
    where share.class is not null
    union all
    select parts.group_key, parts.day, 'M-G' as gap,
        {{ component_class('parts.component', 'parts.amount') }} as class, parts.amount
    from {{ ref('refund_posting_components') }} as parts
    inner join explained
        on parts.group_key = explained.group_key and parts.day = explained.day
        and parts.item = explained.item and explained.gap = 'M-G'
    where explained.has_both and not explained.is_cutoff and not explained.has_two_currencies
        and {{ component_class('parts.component', 'parts.amount') }} is not null
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
