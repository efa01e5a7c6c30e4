-- Grain: one row per KPI, basis, month, channel, product category, site, currency, and whether its days are mature:
-- what kpi_monthly shows. Of levels (bases STOCK and SNAPSHOT) the last day of the month that any of the basis was
-- counted on: days of them don't add up, and a level that is 0 by then has no cell. Months of which a cell changed
-- are made anew.
-- Additive: numerator and denominator, over everything but kpi and basis, and of levels not over months.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'kpi_months'},
    indexes=[{'columns': ['month']}]
) }}

with cells as (

    select
        *,
        cast(date_trunc('month', period_date) as date) as month,
        max(period_date) over (
            partition by basis, date_trunc('month', period_date)
        ) as last_date
    from {{ ref('kpi_cells') }}
    {% if is_incremental() -%}
    where (basis, cast(date_trunc('month', period_date) as date)) in ({{ changed_kpi_months() }})
    {%- endif %}

)

select
    kpi,
    basis,
    month,
    channel,
    product_category,
    site,
    currency,
    is_mature,
    cast(sum(numerator) as numeric(20, 2)) as numerator,
    cast(sum(denominator) as numeric(20, 2)) as denominator
from cells
where basis not in ('STOCK', 'SNAPSHOT') or period_date = last_date
group by kpi, basis, month, channel, product_category, site, currency, is_mature
