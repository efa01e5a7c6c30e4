-- Grain: one row per match group, day, gap (P-G, M-G) and document of which cents differ from its postings: what
-- of them copies, credit, failures, an exchange rate, a posting to come and whole causes explain. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set causes = {
    'TAX': 'tax_amount', 'SHIPPING': 'shipping_amount', 'DUTY': 'duty_amount',
    'RESTOCKING_FEE': 'restocking_fee_amount', 'LABEL_FEE': 'return_label_fee_amount',
    'ADJUSTMENT': 'adjustment_amount',
} %}

with documents as (
    select
        *,
        moved_amount - posted_amount + copied_amount as open_amount
    from {{ ref('refund_posting_days') }}
),

given as (
    select
        *,
        -- credit that is posted and moves no cash
        -{{ up_to('-open_amount', 'given_amount') }} as credit_share
    from documents
),

-- The failure of a refund that is not posted, or its payment that is not
failed as (
    select
        *,
        case
            when open_amount - credit_share < 0 and credit_share - open_amount <= failed_amount
                or open_amount - credit_share > 0 and moved_amount = 0 and failed_amount > 0
                then open_amount - credit_share
            else 0
        end as failed_share
    from given
),

rest as (
    select
        *,
        open_amount - failed_share - credit_share as rest_amount,
        -- postings beside those of the credit
        moved_amount <> 0 as has_moved,
        posted_amount + case when credit_share <> 0 then -given_amount else 0 end <> 0 as has_posted
    from failed
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

-- An exchange rate makes no more of an amount than it may differ by
exchanged as (
    select
        *,
        case
            when not has_both or missing_since is not null then 0
            -- posted as issued: what the exchange made of the payment
            when worth_amount <> 0 and rest_amount = moved_amount - worth_amount then -fx_amount
            when not has_two_currencies or gap = 'M-G' and abs(rest_amount) > rate_amount then 0
            else round(greatest(least(rest_amount, rate_amount), -rate_amount), 2)
        end as fx_share
    from (
        select
            *,
            least(abs(moved_amount), abs(posted_amount)) * {{ var('fx_tolerance_pct', 10) }} / 100.0 as rate_amount
        from explained
    ) as rated
),

judged as (
    select
        *,
        rest_amount - fx_share as left_amount,
        case
            when missing_since is not null then {{ missing_leg_class('missing_since') }}
            when not has_both or rest_amount = fx_share or gap <> 'P-G' then null
            when fee_amount <> 0 and abs(rest_amount - fx_share) = abs(fee_amount) then 'PROCESSOR_FEE'
            when abs(rest_amount - fx_share) <= 0.02 then 'ROUNDING'
            -- posted as customer service issued it, or as it was credited; abroad to a cent or two
            when worth_amount <> 0 and abs(rest_amount - fx_share - (moved_amount - worth_amount + fx_amount))
                <= case when fx_amount <> 0 then 0.02 else 0 end
                then case when rest_amount > 0 then 'OVERPAYMENT' else 'PAYMENT_AMOUNT' end
        end as class
    from exchanged
),

named as (
    select
        *,
        case when class = 'PAYMENT_AMOUNT' then kept_fee_amount else 0 end as fee_share,
        case when class is null and has_both and gap = 'P-G'
            then {{ fewest_causes('left_amount', causes.values() | list) }}
        end as causes
    from judged
)

select
    group_key, day, gap, item, copied_amount, credit_share, failed_share, fx_share, fee_share, has_both, class,
    left_amount,
    {%- for amount in causes.values() %}
    {{ taken_cause(loop.index0, 'causes', amount) }} as {{ amount }}{{ ',' if not loop.last }}
    {%- endfor %}
from named
where open_amount <> 0 or copied_amount <> 0 or gap = 'M-G' and has_both
