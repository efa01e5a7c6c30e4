-- Grain: one row per site, SKU, grade and category: returned goods in stock at the end of the last day that was
-- counted. Additive: quantities and value; no day stands twice.
{{ config(materialized='view') }}

select
    stock.snapshot_date,
    stock.site,
    stock.sku,
    stock.product_name,
    stock.grade,
    stock.product_category,
    stock.quantity,
    stock.quarantined_quantity,
    stock.stock_value,
    stock.currency
from {{ ref('returned_stock') }} as stock
where stock.snapshot_date = (select max(days.snapshot_date) from {{ ref('returned_stock') }} as days)
