-- Grain: one row per month of shipping and product category: what was sold with a right of return.
-- Additive: everything, in the reporting currency at the day of the sale. Goods that replace returned ones
-- of their kind are no new sale (IFRS 15 B26) and left out. Not published.
{{ config(materialized='table') }}

with sales as (

    select
        *,
        cast(date_trunc('month', shipped_on) as date) as cohort_month
    from {{ ref('fct_sales_line') }}
    where is_product and is_returnable and shipped_quantity > 0 and not is_exchange_replacement

),

fx as (

    select * from {{ ref('dim_exchange_rate') }}

)

select
    sales.cohort_month,
    sales.product_category,
    cast(sum(sales.shipped_quantity) as bigint) as shipped_units,
    cast(sum(sales.net_reporting) as numeric(18, 2)) as shipped_value,
    cast(
        coalesce(sum(round(sales.shipped_quantity * sales.unit_cost * fx.rate, 2)), 0) as numeric(18, 2)
    ) as shipped_cost
from sales
left join fx
    on sales.cost_currency = fx.currency
    and sales.ordered_on >= fx.valid_from and sales.ordered_on < fx.valid_to
group by sales.cohort_month, sales.product_category
