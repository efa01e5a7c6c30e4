-- Grain: one row per month, SKU, product category and currency: what was shipped, what came back, what
-- was credited.
-- Additive: every quantity, over months and SKUs; credited_amount within a currency,
-- credited_reporting over all. A rate is computed
-- when read. Returns stand in the month in which they were received, credits in the month of posting.
{{ config(materialized='view') }}

select
    months.month,
    months.sku,
    products.product_name,
    months.product_category,
    months.currency,
    months.shipped_quantity,
    months.returned_quantity,
    months.credited_amount,
    months.credited_reporting,
    publication.business_date
from {{ ref('product_months') }} as months
left join {{ ref('dimension_product') }} as products on months.sku = products.sku
cross join {{ ref('publication') }} as publication
