-- Grain: one row per KPI, basis, month, channel, product category, site, currency, and whether its days are mature.
-- Additive: numerator and denominator, over everything but kpi and basis, and of the levels STOCK and SNAPSHOT not
-- over months. A ratio is computed when read, as from kpi_daily. A view, for the reason that kpi_daily is one.
{{ config(materialized='view') }}

select
    months.kpi,
    months.basis,
    months.month,
    months.channel,
    months.product_category,
    months.site,
    months.currency,
    {{ known('months.numerator', 'completeness.completeness') }} as numerator,
    {{ known('months.denominator', 'completeness.completeness') }} as denominator,
    months.is_mature,
    publication.business_date,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('kpi_months') }} as months
cross join {{ ref('publication') }} as publication
left join {{ ref('kpi_completeness') }} as completeness
    on months.kpi = completeness.kpi and months.basis = completeness.basis
