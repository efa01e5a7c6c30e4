-- Grain: one row per unit of recomputation and serial number: shipped, received, or both. For a recall or a
-- claim: who has it, or what became of it. A view, since a product that gets another name is no night's work
-- on each of its serial numbers.
{{ config(materialized='view') }}

select
    serials.unit_key,
    serials.serial_no,
    serials.sku,
    products.product_name,
    serials.lot_no,
    serials.order_no,
    serials.customer_id,
    serials.shipped_on,
    serials.times_received,
    serials.first_received_on,
    serials.last_received_on,
    serials.last_return_line_key,
    serials.last_site,
    serials.trace
from {{ ref('serial_positions') }} as serials
left join {{ ref('dimension_product') }} as products on serials.sku = products.sku
