-- Grain: one row per match group that is or was entitled to anything, below 0 where the customer owes it, or has any
-- document of money as of the business date, a refund issued and nothing else too: its legs in its currency, which
-- of them are there, and what it is about. Not published; the reconciliation and the KPIs read it.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'refund_units'},
    indexes=[
        {'columns': ['group_key'], 'unique': true}, {'columns': ['unit_key']}, {'columns': ['paid_on']},
    ],
) }}

with legs as (
    select distinct on (group_key)
        *,
        {{ leg_pattern() }} as pattern
    from {{ ref('refund_leg_days') }}
    where day <= {{ as_of_date() }}
    order by group_key asc, day desc
),

groups as (
    select * from {{ ref('dim_refund_group') }}
)

select
    groups.unit_key,
    groups.group_key,
    groups.return_line_key,
    -- what it is about
    groups.refund_id,
    groups.memo_no,
    groups.order_no,
    groups.order_line_no,
    groups.rma_no,
    groups.request_id,
    groups.channel,
    groups.product_category,
    groups.ship_from_site,
    groups.resolution,
    -- legs
    groups.currency,
    cast(legs.e_amount as numeric(18, 2)) as entitled_amount,
    cast(legs.m_amount as numeric(18, 2)) as credited_amount,
    cast(legs.p_amount as numeric(18, 2)) as paid_amount,
    cast(legs.g_amount as numeric(18, 2)) as posted_amount,
    cast(legs.t_amount as numeric(18, 2)) as issued_amount,
    cast(legs.gm_amount as numeric(18, 2)) as posted_memo_amount,
    cast(legs.balance_amount as numeric(18, 2)) as exchange_balance_amount,
    legs.has_e as has_entitlement,
    legs.has_m as has_memo,
    legs.has_p as has_cash,
    legs.has_g as has_posting,
    legs.pattern,
    {% if not legs_not_carried() -%}
    patterns.pattern_name,
    {%- else -%}
    case
        when legs.pattern not like '%1%' then 'issued only'
        when legs.pattern not like '%0%' then 'complete'
        else 'without ' || concat_ws(
            ', ',
            case when substr(legs.pattern, 1, 1) = '0' then 'return' end,
            case when substr(legs.pattern, 2, 1) = '0' then 'memo' end,
            case when substr(legs.pattern, 3, 1) = '0' then 'cash' end,
            case when substr(legs.pattern, 4, 1) = '0' then 'posting' end
        )
    end as pattern_name,
    {%- endif %}
    -- timing
    legs.e_on as entitled_on,
    legs.m_on as credited_on,
    legs.p_on as paid_on,
    greatest(legs.g_on, legs.gm_on) as posted_on,
    legs.t_on as issued_on,
    greatest(
        legs.e_period, legs.m_period, legs.p_period, legs.g_period, legs.t_period, legs.gm_period
    ) as period,
    -- evidence
    groups.return_lines,
    groups.refunds,
    groups.memos,
    groups.settlements,
    groups.journal_lines,
    groups.weakest_match_rule,
    groups.match_confidence,
    groups.open_between
from legs
inner join groups on legs.group_key = groups.group_key
left join {{ ref('refund_patterns') }} as patterns on legs.pattern = patterns.pattern
where legs.was_entitled
    or num_nonnulls(legs.m_on, legs.p_on, legs.g_on, legs.t_on, legs.gm_on) > 0
