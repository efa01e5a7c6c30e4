-- Grain: one row per KPI, channel, product category, site and currency: the levels (bases STOCK and SNAPSHOT of
-- kpi_daily) of the last day that has any of the basis: one that is 0 by then has no row. No day stands twice, so
-- that a sum over everything but the KPI is right.
{{ config(materialized='view') }}

select
    cells.kpi,
    cells.basis,
    cells.period_date,
    cells.channel,
    cells.product_category,
    cells.site,
    cells.currency,
    cells.numerator,
    cells.denominator,
    cells.business_date,
    cells.completeness,
    cells.completeness_reason
from {{ ref('kpi_daily') }} as cells
where cells.basis in ('STOCK', 'SNAPSHOT')
    and cells.period_date = (
        select max(days.period_date) from {{ ref('kpi_daily') }} as days
        where days.basis = cells.basis
    )
