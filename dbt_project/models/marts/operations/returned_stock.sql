-- Grain: one row per day, site, SKU and grade: returned goods in stock at its end, and how long they last at
-- the pace of the last 30 days. Quantities and values add up over everything but days; days of stock don't.
-- returned_stock_now has the last day alone.
{{ config(
    materialized='table',
    indexes=[{'columns': ['snapshot_date', 'site']}, {'columns': ['sku']}, {'columns': ['site']},
             {'columns': ['grade']}]
) }}

with stock as (

    select
        snapshot_date,
        site,
        sku,
        grade,
        product_category,
        sum(quantity) as quantity,
        sum(quantity) filter (where location = 'quarantine') as quarantined_quantity,
        sum(value_reporting) as stock_value
    from {{ ref('snap_returned_stock') }}
    where is_product
    group by snapshot_date, site, sku, grade, product_category

),

-- Finally disposed of, by the day and whatever its grade: that is how stock leaves
outflow as (

    select
        days.snapshot_date,
        dispositions.site,
        lines.sku,
        sum(dispositions.net_quantity) as left_30_days
    from (select distinct snapshot_date from stock) as days
    inner join {{ ref('fct_disposition') }} as dispositions
        on days.snapshot_date - 30 < dispositions.disposed_on
        and days.snapshot_date >= dispositions.disposed_on
    inner join {{ ref('fct_return_line') }} as lines
        on dispositions.return_line_key = lines.return_line_key
    where dispositions.is_final and dispositions.net_quantity > 0
    group by days.snapshot_date, dispositions.site, lines.sku

),

skus as (

    select
        *,
        sum(quantity) over (partition by snapshot_date, site, sku) as sku_quantity
    from stock

)

select
    skus.snapshot_date,
    skus.site,
    skus.sku,
    {{ product_name('skus.sku') }} as product_name,
    skus.grade,
    skus.product_category,
    cast(skus.quantity as bigint) as quantity,
    cast(coalesce(skus.quarantined_quantity, 0) as bigint) as quarantined_quantity,
    cast(skus.stock_value as numeric(18, 2)) as stock_value,
    cast('{{ var("reporting_currency") }}' as text) as currency,
    cast(coalesce(outflow.left_30_days, 0) as bigint) as sku_left_30_days,
    cast(round(30 * skus.sku_quantity / nullif(outflow.left_30_days, 0), 1) as numeric(12, 1))
        as sku_days_of_stock
from skus
left join outflow
    on skus.snapshot_date = outflow.snapshot_date
    and skus.site = outflow.site
    and skus.sku = outflow.sku
