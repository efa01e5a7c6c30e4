-- Grain: one row per KPI, basis, day, channel, product category, site and currency.
-- Additive: numerator and denominator, over everything but kpi and basis, and of the levels STOCK and SNAPSHOT not
-- over days; kpi_daily_by_<basis> holds one basis each. A ratio is computed when read: sum(numerator) /
-- nullif(sum(denominator), 0). It is null where what the KPI needs is lacking.
-- A view, since the date of the publication is new on every row every night and nothing else is.
{{ config(materialized='view') }}

select
    cells.kpi,
    cells.basis,
    cells.period_date,
    cells.channel,
    cells.product_category,
    cells.site,
    cells.currency,
    {{ known('cells.numerator', 'completeness.completeness') }} as numerator,
    {{ known('cells.denominator', 'completeness.completeness') }} as denominator,
    cells.is_mature,
    publication.business_date,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('kpi_cells') }} as cells
cross join {{ ref('publication') }} as publication
left join {{ ref('kpi_completeness') }} as completeness
    on cells.kpi = completeness.kpi and cells.basis = completeness.basis
