-- Grain: one row per publication and cell of kpi_daily that it changed: before and after; the files that came
-- with it are in publication_files. Before is empty where the cell is new, after where it is gone, and both where the
-- KPI was lacking what it needs. A KPI whose completeness alone changes is told in kpi_completeness__history.
{{ config(
    materialized='view',
    meta={'publish_to': 'marts', 'primary_key': [
        'publication_id', 'kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'currency',
    ]},
) }}

{% set cell = ['kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'currency'] %}

with sides as (

    select
        from_publication as publication_id, {{ cell | join(', ') }},
        cast(null as numeric(20, 2)) as numerator_before, numerator as numerator_after,
        cast(null as numeric(20, 2)) as denominator_before, denominator as denominator_after,
        cast(null as boolean) as was_mature, is_mature
    from {{ ref('kpi_cells__history') }}
    union all
    select
        to_publication as publication_id, {{ cell | join(', ') }},
        numerator as numerator_before, null as numerator_after,
        denominator as denominator_before, null as denominator_after,
        is_mature as was_mature, null as is_mature
    from {{ ref('kpi_cells__history') }}
    where to_publication is not null

),

changes as (

    select
        publication_id, {{ cell | join(', ') }},
        max(numerator_before) as numerator_before, max(numerator_after) as numerator_after,
        max(denominator_before) as denominator_before, max(denominator_after) as denominator_after,
        bool_or(was_mature) as was_mature, bool_or(is_mature) as is_mature
    from sides
    group by publication_id, {{ cell | join(', ') }}

)

select
    {%- for column in cell %}
    changes.{{ column }},
    {%- endfor %}
    changes.publication_id,
    publications.business_date,
    publications.published_at,
    {{ known('changes.numerator_before', 'was.completeness') }} as numerator_before,
    {{ known('changes.numerator_after', 'is_now.completeness') }} as numerator_after,
    {{ known('changes.denominator_before', 'was.completeness') }} as denominator_before,
    {{ known('changes.denominator_after', 'is_now.completeness') }} as denominator_after,
    changes.was_mature,
    changes.is_mature
from changes
inner join {{ ref('publications') }} as publications
    on changes.publication_id = publications.publication_id
left join {{ ref('kpi_completeness__history') }} as is_now
    on changes.kpi = is_now.kpi and changes.basis = is_now.basis
    and {{ published_with('is_now', 'changes.publication_id') }}
-- what readers saw until then
left join {{ ref('kpi_completeness__history') }} as was
    on changes.kpi = was.kpi and changes.basis = was.basis
    and was.from_publication < changes.publication_id
    and (was.to_publication is null or was.to_publication >= changes.publication_id)
