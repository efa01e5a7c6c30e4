-- Grain: one row per request month, channel and product category; 'ALL' stands for every one of them.
-- Not additive: quantiles of a part don't add up to those of the whole, so each slice has its own row.
{{ config(materialized='table') }}

with spans as (

    select
        to_char(requested_on, 'YYYY-MM') as request_month,
        channel,
        product_category,
        outcome,
        outcome = 'disposed' as is_event,
        quantity,
        hours
    from {{ ref('return_unit_spans') }}

),

-- Every span counts in its own slice and in each slice that holds it.
sliced as (

    select
        slice.request_month,
        slice.channel,
        slice.product_category,
        spans.outcome,
        spans.is_event,
        spans.quantity,
        spans.hours
    from spans
    cross join lateral (
        values
        (spans.request_month, spans.channel, spans.product_category),
        (spans.request_month, spans.channel, 'ALL'),
        (spans.request_month, 'ALL', spans.product_category),
        (spans.request_month, 'ALL', 'ALL'),
        ('ALL', 'ALL', 'ALL')
    ) as slice (request_month, channel, product_category)

),

{{ kaplan_meier('sliced', ['request_month', 'channel', 'product_category']) }},

outcomes as (

    select
        request_month,
        channel,
        product_category,
        coalesce(sum(quantity) filter (where outcome = 'open'), 0) as censored,
        coalesce(
            sum(quantity) filter (where outcome in ('declined', 'cancelled', 'expired')), 0
        ) as competing
    from sliced
    group by request_month, channel, product_category

),

final as (

    select
        km.request_month,
        km.channel,
        km.product_category,
        km.units,
        km.events,
        cast(outcomes.censored as bigint) as censored,
        cast(outcomes.competing as bigint) as competing,
        km.p50_hours,
        km.p90_hours,
        km.restricted_mean_hours,
        {{ as_of_date() }} as business_date
    from km
    inner join outcomes
        on
            outcomes.request_month = km.request_month
            and outcomes.channel = km.channel
            and outcomes.product_category = km.product_category

)

select * from final
