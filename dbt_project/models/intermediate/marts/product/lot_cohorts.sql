-- Grain: one row per SKU, lot and month of shipping: units shipped, and how many of those came back.
-- Additive: everything. Not published; return rates and traces read it.
{{ config(materialized='table') }}

select
    sku,
    coalesce(lot_no, 'NONE') as lot_no,
    product_category,
    cast(date_trunc('month', shipped_on) as date) as month,
    cast(sum(shipped_quantity) as bigint) as shipped_quantity,
    cast(sum(received_quantity) as bigint) as returned_quantity
from {{ ref('fct_sales_line') }}
where is_product and shipped_quantity > 0
group by sku, coalesce(lot_no, 'NONE'), product_category, cast(date_trunc('month', shipped_on) as date)
