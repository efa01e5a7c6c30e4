-- SALE and RETURN attribute the same units to different days: their totals are equal to core's.
{{ config(meta={'failure_means': 'A returned or shipped unit is lost or doubled between core and kpi_daily.'}) }}
with published as (

    select basis, sum(numerator) as returned, sum(denominator) as shipped
    from {{ ref('kpi_daily') }}
    where kpi = 'product_return_rate'
    group by basis

),

core as (

    select
        (select coalesce(sum(quantity), 0) from {{ ref('fct_receipt') }} where is_product) as returned,
        (select coalesce(sum(shipped_quantity), 0) from {{ ref('fct_sales_line') }} where is_product) as shipped

)

select published.*, core.returned as core_returned, core.shipped as core_shipped
from published
cross join core
where published.returned <> core.returned or published.shipped <> core.shipped
