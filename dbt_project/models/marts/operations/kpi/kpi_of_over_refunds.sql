-- Grain: one row per match group of the refund reconciliation in which cash moved, on the day of its last
-- payment (basis REFUND). Additive: both amounts, in the reporting currency at that day's rate.
{{ config(meta={'replaces': 'refund_units'}) }}

with groups as (

    select * from {{ ref('refund_groups') }}
    where has_cash and {{ in_refund_units() }}

),

lines as (

    select return_line_key, is_product from {{ ref('fct_return_line') }}

),

rates as (

    select * from {{ ref('dim_exchange_rate') }}

)

select
    groups.unit_key,
    groups.group_key,
    groups.paid_on as period_date,
    groups.channel,
    groups.product_category,
    groups.ship_from_site as site,
    {{ to_reporting('greatest(groups.paid_amount - groups.entitled_amount, 0)', 'rates.rate') }}
        as over_refunded_amount,
    {{ to_reporting('groups.paid_amount', 'rates.rate') }} as paid_amount
from groups
left join lines on groups.return_line_key = lines.return_line_key
left join rates
    on groups.currency = rates.currency
    and groups.paid_on >= rates.valid_from
    and groups.paid_on < rates.valid_to
where coalesce(lines.is_product, true)
