-- Units by product add up to the units of the return rate, in each month and category.
{{ config(meta={'failure_means': 'The table by product and the KPI count different units: one lost or doubled some.'}) }}
with products as (

    select
        month,
        product_category,
        sum(shipped_quantity) as shipped,
        sum(returned_quantity) as returned
    from {{ ref('product_months') }}
    group by month, product_category

),

kpi as (

    select
        cast(date_trunc('month', period_date) as date) as month,
        product_category,
        sum(denominator) as shipped,
        sum(numerator) as returned
    from {{ ref('kpi_cells') }}
    where kpi = 'product_return_rate' and basis = 'RETURN'
    group by cast(date_trunc('month', period_date) as date), product_category

)

select
    coalesce(products.month, kpi.month) as month,
    coalesce(products.product_category, kpi.product_category) as product_category,
    products.shipped as shipped_by_product,
    kpi.shipped as shipped_by_kpi,
    products.returned as returned_by_product,
    kpi.returned as returned_by_kpi
from products
full join kpi on products.month = kpi.month and products.product_category = kpi.product_category
where coalesce(products.shipped, 0) <> coalesce(kpi.shipped, 0)
    or coalesce(products.returned, 0) <> coalesce(kpi.returned, 0)
