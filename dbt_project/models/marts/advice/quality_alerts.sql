-- Grain: one row per alert that stands on the business date: a subject of which more comes back than before, or than of
-- its peers, beyond what chance and the usual drift explain. Evidence, never a verdict. Not additive: a return may
-- count in the alert of its SKU, of its lot and of its vendor. How it is judged: docs/decisions/0060-quality-alerts.md
{{ config(materialized='table', indexes=[{'columns': ['sku']}]) }}

with alerts as (

    select * from {{ source('estimates', 'quality_alerts') }}

),

evidence as (

    select
        alert_key,
        count(*) as return_lines,
        sum(units) as units,
        sum(amount) as amount
    from {{ ref('quality_alert_evidence') }}
    group by alert_key

)

select
    alerts.alert_key,
    alerts.kind,
    alerts.outcome,
    -- of what
    alerts.sku,
    {{ product_name('alerts.sku') }} as product_name,
    alerts.lot_no,
    alerts.style,
    alerts.size,
    alerts.vendor_id,
    alerts.carrier,
    alerts.site,
    -- since when
    alerts.first_seen_on,
    alerts.window_from,
    alerts.window_to,
    -- how much
    alerts.orders,
    alerts.returned_orders,
    cast(round(alerts.expected_orders, 2) as numeric(14, 2)) as expected_orders,
    cast(round(alerts.rate, 6) as numeric(9, 6)) as rate,
    cast(round(alerts.expected_rate, 6) as numeric(9, 6)) as expected_rate,
    cast(round(alerts.effect, 3) as numeric(9, 3)) as effect_ratio,
    cast(round(alerts.effect_low_95, 3) as numeric(9, 3)) as effect_low,
    cast(round(alerts.effect_high_95, 3) as numeric(9, 3)) as effect_high,
    alerts.units as shipped_units,
    cast(coalesce(evidence.units, 0) as bigint) as returned_units,
    cast(coalesce(evidence.return_lines, 0) as bigint) as return_lines,
    -- how surely
    alerts.p_value,
    alerts.q_value,
    alerts.tests,
    -- money
    cast(coalesce(evidence.amount, 0) as numeric(18, 2)) as returned_amount,
    cast(
        round(coalesce(evidence.amount, 0) * (1 - 1 / greatest(alerts.effect, 1)), 2) as numeric(18, 2)
    ) as amount_at_stake,
    cast('{{ var("reporting_currency") }}' as text) as currency,
    -- what to do
    actions.action,
    actions.owner,
    actions.advice,
    {{ as_of_date() }} as business_date
from alerts
left join evidence on alerts.alert_key = evidence.alert_key
left join lateral (
    select action, owner, advice
    from {{ ref('quality_actions') }}
    where kind = alerts.kind and outcome in (alerts.outcome, '*')
    order by outcome = '*'
    limit 1
) as actions on true
