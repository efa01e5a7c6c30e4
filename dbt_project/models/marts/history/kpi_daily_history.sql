-- Grain: one row per publication and row of kpi_daily as it was published then.
-- Read it with one publication_id; marts.kpi_daily_as_of(night) picks it by date. Additive as kpi_daily is,
-- within a publication.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'primary_key': [
        'publication_id', 'kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'currency',
    ]},
) }}

select
    publications.publication_id,
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
    publications.business_date,
    publications.published_at,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('publications') }} as publications
inner join {{ ref('kpi_cells__history') }} as cells
    on {{ published_with('cells', 'publications.publication_id') }}
left join {{ ref('kpi_completeness__history') }} as completeness
    on cells.kpi = completeness.kpi and cells.basis = completeness.basis
    and {{ published_with('completeness', 'publications.publication_id') }}
