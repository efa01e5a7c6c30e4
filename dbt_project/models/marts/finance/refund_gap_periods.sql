-- Grain: one row per match group, gap, class and fiscal period: the cents of the gap in the period. A class
-- stands in the period of the last document on either side of the gap, when the difference was known; what
-- the periods differ by besides, because the legs fell into different ones, is CUTOFF and adds up to
-- nothing over the periods. Classes re-add to the gap in each group, period and currency.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={
        'replaces': 'refund_units', 'publish_to': 'finance',
        'primary_key': ['group_key', 'gap', 'class', 'period'],
    },
    indexes=[{'columns': ['unit_key']}, {'columns': ['group_key', 'gap']}, {'columns': ['period']}],
) }}

with groups as (
    select * from {{ ref('refund_groups') }} where {{ in_refund_units() }}
),

-- Left legs as they are, right legs with their sign turned: the gap of a period is their sum
sides as (
    select
        groups.group_key, gaps.gap, documents.period,
        case when documents.leg = gaps.left_leg then documents.group_amount
            else -documents.group_amount end as amount
    from groups
    inner join {{ ref('refund_documents') }} as documents on groups.group_key = documents.group_key
    inner join {{ ref('refund_gaps') }} as gaps
        on documents.leg in (gaps.left_leg, gaps.right_leg)
    where documents.effective_on <= {{ as_of_date() }} and {{ is_claimed('gaps') }}
),

by_period as (
    select group_key, gap, period, sum(amount) as amount
    from sides
    group by group_key, gap, period
),

last_periods as (
    select group_key, gap, max(period) as last_period from sides group by group_key, gap
),

classes as (
    select states.group_key, states.gap, states.class, last_periods.last_period as period, states.amount
    from {{ ref('refund_states') }} as states
    inner join last_periods
        on states.group_key = last_periods.group_key and states.gap = last_periods.gap
    where states.valid_from <= {{ as_of_date() }} and states.valid_to > {{ as_of_date() }}
),

parts as (
    select group_key, gap, class, period, amount from classes
    union all
    select group_key, gap, 'CUTOFF' as class, period, amount from by_period
    union all
    select group_key, gap, 'CUTOFF' as class, period, -amount as amount from classes
)

select
    groups.unit_key,
    parts.group_key,
    parts.gap,
    parts.class,
    parts.period,
    last_periods.last_period,
    groups.currency,
    groups.ship_from_site as entity,
    cast(sum(parts.amount) as numeric(18, 2)) as amount
from parts
inner join groups on parts.group_key = groups.group_key
inner join last_periods on parts.group_key = last_periods.group_key and parts.gap = last_periods.gap
group by
    groups.unit_key, parts.group_key, parts.gap, parts.class, parts.period, last_periods.last_period,
    groups.currency, groups.ship_from_site
having sum(parts.amount) <> 0
