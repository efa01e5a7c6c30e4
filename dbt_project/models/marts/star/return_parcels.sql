-- Grain: one row per return parcel that has a label or a scan. Additive: parcels, lead_hours of delivered ones,
-- and what the carrier charged; charges for parcels that nobody scanned are in return_costs alone.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'parcels'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['carrier']}, {'columns': ['handed_over_on']}]
) }}
-- depends_on: {{ ref('int_touched_units') }}

with scans as (

    select
        min(unit_key) as unit_key,
        tracking_no,
        min(carrier) as carrier,
        min(event_at) filter (where {{ is_in_carriers_hands('event_code') }}) as handed_over_at,
        min(event_at) filter (where event_code = 'delivered') as delivered_at
    from {{ ref('fct_shipment_event') }}
    where leg = 'return'
    {%- if is_incremental() %}
        and tracking_no in ({{ touched_parcels(this) }})
    {%- endif %}
    group by tracking_no

),

charges as (

    select tracking_no, sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where tracking_no in (select tracking_no from scans)
    group by tracking_no

)

select
    scans.unit_key,
    scans.tracking_no,
    scans.carrier,
    -- timing
    scans.handed_over_at,
    scans.delivered_at,
    {{ business_day('scans.handed_over_at') }} as handed_over_on,
    {{ business_day('scans.delivered_at') }} as delivered_on,
    -- what adds up
    1 as parcels,
    cast(scans.handed_over_at is not null as integer) as parcels_handed_over,
    cast(scans.delivered_at is not null as integer) as parcels_delivered,
    cast(charges.amount is not null as integer) as parcels_charged,
    cast(extract(epoch from scans.delivered_at - scans.handed_over_at) / 3600 as numeric(12, 1)) as lead_hours,
    cast(charges.amount as numeric(18, 2)) as charged_reporting
from scans
left join charges on scans.tracking_no = charges.tracking_no
