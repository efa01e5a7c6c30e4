-- Grain: one row per slice and its request month, channel and product category, 'ALL' where it is not cut by them.
-- Quantiles of a part don't add up to those of the whole, so each slice has rows of its own. People read the views,
-- one a slice, in which nothing stands twice: return_cycle_time and its siblings.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'months'}
) }}

with hours as (

    select * from {{ ref('return_hours') }}
    where step_no = 0

),

-- Every unit counts in its own slice and in each slice that holds it; only months that changed are
-- sliced anew, the whole of all months always.
sliced as (

    select
        slice.slice,
        slice.request_month,
        slice.channel,
        slice.product_category,
        hours.outcome,
        hours.hours,
        sum(hours.units) as units
    from hours
    cross join lateral (
        values
        ('finest', hours.request_month, hours.channel, hours.product_category),
        ('channel', hours.request_month, hours.channel, 'ALL'),
        ('category', hours.request_month, 'ALL', hours.product_category),
        ('month', hours.request_month, 'ALL', 'ALL'),
        ('overall', 'ALL', 'ALL', 'ALL')
    ) as slice (slice, request_month, channel, product_category)
    {% if is_incremental() -%}
    where slice.request_month in ({{ changed_months() }})
    {%- endif %}
    group by
        slice.slice, slice.request_month, slice.channel, slice.product_category,
        hours.outcome, hours.hours

),

spans as (

    select *, outcome = 'disposed' as is_event, units as quantity from sliced

),

{{ kaplan_meier('spans', ['slice', 'request_month', 'channel', 'product_category']) }},

outcomes as (

    select
        slice,
        request_month,
        channel,
        product_category,
        coalesce(sum(units) filter (where outcome = 'open'), 0) as censored,
        coalesce(
            sum(units) filter (where outcome in ('declined', 'cancelled', 'expired')), 0
        ) as competing
    from sliced
    group by slice, request_month, channel, product_category

),

final as (

    select
        km.slice,
        km.request_month,
        km.channel,
        km.product_category,
        km.units,
        km.events,
        cast(outcomes.censored as bigint) as censored,
        cast(outcomes.competing as bigint) as competing,
        km.p50_hours,
        km.p90_hours
    from km
    inner join outcomes
        on
            km.slice = outcomes.slice
            and km.request_month = outcomes.request_month
            and km.channel = outcomes.channel
            and km.product_category = outcomes.product_category

)

select * from final
