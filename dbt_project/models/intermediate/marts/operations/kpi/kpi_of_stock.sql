-- depends_on: {{ ref('int_touched_keys') }}
-- Grain: one row per snapshot of returned stock, site, product category and measure: what lay there, and
-- what had left in the 30 days up to it. Additive: every measure, over everything but days.
{{ config(indexes=[{'columns': ['period_date']}], meta={'replaces': 'stock_days'}) }}

with stock as (

    select * from {{ ref('snap_returned_stock') }}
    where is_product
    {%- if is_incremental() %} and snapshot_date in ({{ touched_stock_days() }}){% endif %}

),

days as (

    select distinct snapshot_date from stock

),

final as (

    select
        snapshot_date as period_date,
        'UNATTRIBUTED' as channel,
        product_category,
        site,
        sum(quantity) as units,
        sum(value_reporting) as value_amount,
        cast(null as numeric) as outflow_units
    from stock
    group by snapshot_date, product_category, site
    union all
    select
        days.snapshot_date as period_date,
        'UNATTRIBUTED' as channel,
        outflow.product_category,
        outflow.site,
        null as units,
        null as value_amount,
        sum(outflow.units) as outflow_units
    from days
    inner join {{ ref('returned_stock_outflow') }} as outflow
        on
            days.snapshot_date >= outflow.disposed_on
            and days.snapshot_date < outflow.disposed_on + 30
    group by days.snapshot_date, outflow.product_category, outflow.site

)

select * from final
