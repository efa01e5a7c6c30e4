-- Grain: one row per match group, day, gap (P-G, M-G) and class; only classes with cents; those of a
-- group's documents added up. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set causes = {
    'TAX': 'tax_amount', 'SHIPPING': 'shipping_amount', 'DUTY': 'duty_amount',
    'RESTOCKING_FEE': 'restocking_fee_amount', 'LABEL_FEE': 'return_label_fee_amount',
} %}

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

-- What a group's memos hold beside merchandise, which the postings may have left out
components as (
    select
        group_key,
        day,
        {%- for amount in causes.values() %}
        sum(credited_{{ amount | replace('_amount', '') }}) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

explained as (
    select
        rest.*,
        {%- for amount in causes.values() %}
        coalesce(components.{{ amount }}, 0) as {{ amount }},
        {%- endfor %}
        rest.has_moved and rest.has_posted as has_both,
        case
            when rest.has_moved <> rest.has_posted
                then case when rest.has_moved then rest.moved_on else rest.posted_on end
            else rest.behind_since
        end as missing_since
    from rest
    left join components on rest.group_key = components.group_key and rest.day = components.day
),

judged as (
    select
        *,
        case
            when missing_since is not null then {{ missing_leg_class('missing_since') }}
            when has_both and has_two_currencies then 'FX'
            when not has_both or gap <> 'P-G' then null
            when fee_amount <> 0 and abs(rest_amount) = abs(fee_amount) then 'PROCESSOR_FEE'
            when abs(rest_amount) <= 0.02 then 'ROUNDING'
            -- posted as customer service issued it
            when due_amount <> 0 and rest_amount = moved_amount - due_amount then 'PAYMENT_AMOUNT'
        end as class
    from explained
),

named as (
    select
        *,
        case when class is null and has_both and gap = 'P-G'
            then {{ fewest_causes('rest_amount', causes.values() | list) }}
        end as causes
    from judged
),

classes as (
    select named.group_key, named.day, named.gap, share.class, share.amount
    from named
    cross join lateral (
        values
        ('DUPLICATE', -named.copied_amount),
        ('FAILED_REFUND', named.failed_share),
        ('STORE_CREDIT_OR_EXCHANGE', named.credit_share),
        (named.class, named.rest_amount)
        {%- for class, amount in causes.items() %},
        ('{{ class }}', {{ taken_cause(loop.index0, 'named.causes', 'named.' ~ amount) }})
        {%- endfor %}
    ) as share (class, amount)
    where share.class is not null
    union all
    select parts.group_key, parts.day, 'M-G' as gap,
        {{ component_class('parts.component', 'parts.amount') }} as class, parts.amount
    from {{ ref('refund_posting_components') }} as parts
    inner join named
        on parts.group_key = named.group_key and parts.day = named.day
        and parts.item = named.item and named.gap = 'M-G'
    where named.has_both and named.class is null
        and {{ component_class('parts.component', 'parts.amount') }} is not null
)

select group_key, day, gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, gap, class
having sum(amount) <> 0
