-- Grain: one row per month and SKU: what was shipped, what came back, what was credited.
-- Additive: every quantity and amount, over months and SKUs; amounts are in the reporting currency, whatever was sold
-- in. A rate is computed when read. Returns stand in the month in which they were received, credits in the month of
-- posting.
{{ config(materialized='view') }}

select
    months.month,
    months.sku,
    products.product_name,
    products.product_category,
    cast('{{ var("reporting_currency") }}' as text) as currency,
    cast(sum(months.shipped_quantity) as bigint) as shipped_quantity,
    cast(sum(months.returned_quantity) as bigint) as returned_quantity,
    cast(sum(months.credited_reporting) as numeric(18, 2)) as credited_amount,
    cast(sum(months.credited_reporting) as numeric(18, 2)) as credited_reporting,
    publication.business_date
from {{ ref('product_months') }} as months
left join {{ ref('dimension_product') }} as products on months.sku = products.sku
cross join {{ ref('publication') }} as publication
group by months.month, months.sku, products.product_name, products.product_category, publication.business_date
