-- Grain: one row per SKU, lot, category and reason: units of all sales ever that were shipped (they have no
-- reason), came back, or came back without a known sale that was shipped. Every unit stands once, so that each
-- table of rates adds up to product_return_rate. Additive: everything. Not published.
{{ config(materialized='table') }}

with sales as (

    select * from {{ ref('fct_sales_line') }}
    where is_product and shipped_quantity > 0

),

returned as (

    select
        coalesce(sales.sku, receipts.sku, 'UNKNOWN') as sku,
        coalesce(
            case when sales.sales_line_key is null then receipts.lot_no else sales.lot_no end, 'NONE'
        ) as lot_no,
        coalesce(sales.product_category, receipts.product_category) as product_category,
        lines.reason,
        receipts.quantity,
        sales.sales_line_key is not null as is_attributed
    from {{ ref('fct_receipt') }} as receipts
    inner join {{ ref('fct_return_line') }} as lines
        on receipts.return_line_key = lines.return_line_key
    left join sales on receipts.sales_line_key = sales.sales_line_key
    where receipts.is_product

)

select
    sku,
    lot_no,
    product_category,
    null as reason,
    sum(shipped_quantity) as shipped_quantity,
    0 as returned_quantity,
    0 as unattributed_quantity
from {{ ref('lot_cohorts') }}
group by sku, lot_no, product_category
union all
select
    sku,
    lot_no,
    product_category,
    reason,
    0 as shipped_quantity,
    coalesce(sum(quantity) filter (where is_attributed), 0) as returned_quantity,
    coalesce(sum(quantity) filter (where not is_attributed), 0) as unattributed_quantity
from returned
group by sku, lot_no, product_category, reason
