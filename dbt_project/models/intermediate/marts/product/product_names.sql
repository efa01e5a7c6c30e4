-- Grain: one row per SKU that an item file or a sale has shown: what it is called today, by the newest item file;
-- where none tells, by the newest sale that does; else by its SKU. Not published: every table that names products
-- reads it, or dimension_product, which does.
{{ config(materialized='table', indexes=[{'columns': ['sku'], 'unique': true}]) }}

with master as (

    select sku, description from {{ ref('dim_product') }} where is_current

),

sold as (
    {{ values_by_index(ref('fct_sales_line'), 'sku') }}
),

found as (

    select
        coalesce(master.sku, sold.value) as sku,
        master.description
    from master
    full join sold on master.sku = sold.value

)

select
    found.sku,
    coalesce(found.description, newest.product_description, found.sku) as product_name
from found
left join lateral (
    select lines.product_description
    from {{ ref('fct_sales_line') }} as lines
    where found.description is null
        and lines.sku = found.sku and lines.product_description is not null
    order by lines.ordered_at desc, lines.sales_line_key asc
    limit 1
) as newest on true
