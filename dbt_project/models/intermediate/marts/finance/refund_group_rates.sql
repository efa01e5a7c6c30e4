-- Grain: one row per match group: the day of its first document, and that day's rate of its currency to the
-- reporting currency. One rate a group, so that legs which agree to the cent agree there, too. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'refund_units'},
    indexes=[{'columns': ['group_key'], 'unique': true}, {'columns': ['unit_key']}],
) }}

with days as (
    select group_key, min(effective_on) as rate_on
    from {{ ref('refund_leg_rows') }}
    group by group_key
)

select groups.unit_key, groups.group_key, groups.currency, days.rate_on, rates.rate
from days
inner join {{ ref('dim_refund_group') }} as groups on days.group_key = groups.group_key
left join {{ ref('dim_exchange_rate') }} as rates
    on groups.currency = rates.currency
    and days.rate_on >= rates.valid_from and days.rate_on < rates.valid_to
