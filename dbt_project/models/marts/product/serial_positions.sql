-- Grain: one row per unit of recomputation and serial number: shipped, received, or both. For a recall or a
-- claim: who has it, or what became of it. A serial that came back with another order than it was shipped
-- with stands in both units. What serial_trace shows, without the product's name, which is as of today.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'units', 'logs_changes': true},
    indexes=[{'columns': ['serial_no']}, {'columns': ['unit_key']}, {'columns': ['sku']}]
) }}

with sales as (

    select * from {{ ref('fct_sales_line') }}
    where {{ in_touched_units('unit_key') }}

),

shipped as (

    select
        sales.unit_key,
        serial.serial_no,
        min(sales.order_no) as order_no,
        min(sales.sku) as sku,
        min(sales.lot_no) as lot_no,
        min(sales.survivor_customer_id) as customer_id,
        min(sales.shipped_on) as shipped_on
    from sales
    cross join lateral unnest(sales.serial_nos) as serial (serial_no)
    where sales.shipped_quantity > 0 and serial.serial_no is not null
    group by sales.unit_key, serial.serial_no

),

received as (

    select
        bridge.unit_key,
        bridge.serial_no,
        count(*) as times_received,
        min(receipts.received_on) as first_received_on,
        max(receipts.received_on) as last_received_on,
        min(receipts.sku) as sku,
        min(receipts.lot_no) as lot_no,
        (array_agg(receipts.return_line_key order by receipts.received_at desc, receipts.receipt_id asc))[1]
            as last_return_line_key,
        (array_agg(receipts.site order by receipts.received_at desc, receipts.receipt_id asc))[1]
            as last_site,
        bool_or(bridge.is_never_shipped) as is_never_shipped,
        bool_or(bridge.is_from_other_order) as is_from_other_order
    from {{ ref('bridge_serial') }} as bridge
    inner join {{ ref('fct_receipt') }} as receipts on bridge.receipt_id = receipts.receipt_id
    where {{ in_touched_units('bridge.unit_key') }}
    group by bridge.unit_key, bridge.serial_no

)

select
    coalesce(shipped.unit_key, received.unit_key) as unit_key,
    coalesce(shipped.serial_no, received.serial_no) as serial_no,
    coalesce(shipped.sku, received.sku) as sku,
    coalesce(shipped.lot_no, received.lot_no) as lot_no,
    shipped.order_no,
    shipped.customer_id,
    shipped.shipped_on,
    cast(coalesce(received.times_received, 0) as integer) as times_received,
    received.first_received_on,
    received.last_received_on,
    received.last_return_line_key,
    received.last_site,
    case
        when received.serial_no is null then 'UNACCOUNTED'
        when received.is_never_shipped then 'NEVER_SHIPPED'
        when received.is_from_other_order then 'OTHER_ORDERS'
        when received.times_received > 1 then 'RETURNED_TWICE'
        else 'RETURNED'
    end as trace
from shipped
full join received
    on shipped.unit_key = received.unit_key and shipped.serial_no = received.serial_no
