-- Grain: one row per cost line of a return: a carrier charge's share, a receipt, an inspection, a work order, a
-- disposition, storage, a service case's share, a processor fee. The carrier is that of the parcel that was
-- charged, else of the return. Additive: reporting_amount; amount within a currency.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'units'},
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['return_line_key']}, {'columns': ['cost_on']},
        {'columns': ['sku']}, {'columns': ['vendor_id']}, {'columns': ['channel']}, {'columns': ['site']},
        {'columns': ['reason']}, {'columns': ['carrier']},
    ]
) }}

with costs as (

    select * from {{ ref('fct_cost_line') }} where {{ in_touched_units('unit_key') }}

),

lines as (

    select * from {{ ref('fct_return_line') }} where {{ in_touched_units('unit_key') }}

),

parcels as (

    select
        costs.cost_line_key,
        coalesce(costs.tracking_no, lines.tracking_no) as tracking_no
    from costs
    left join lines on costs.return_line_key = lines.return_line_key

),

carriers as (

    {{ carriers_of('parcels') }}

)

select
    costs.unit_key,
    costs.cost_line_key,
    parcels.tracking_no,
    -- keys
    case when lines.is_counted then costs.return_line_key end as return_line_key,
    coalesce(lines.sku, 'UNKNOWN') as sku,
    coalesce(lines.vendor_id, 'UNKNOWN') as vendor_id,
    costs.channel,
    costs.site,
    coalesce(lines.reason, 'UNKNOWN') as reason,
    coalesce(carriers.carrier, 'UNKNOWN') as carrier,
    -- what
    costs.component,
    costs.product_category,
    coalesce(lines.brand, 'UNKNOWN') as brand,
    costs.cost_on,
    -- amounts
    costs.amount,
    costs.currency,
    costs.reporting_amount
from costs
inner join parcels on costs.cost_line_key = parcels.cost_line_key
left join lines on costs.return_line_key = lines.return_line_key
left join carriers on parcels.tracking_no = carriers.tracking_no
