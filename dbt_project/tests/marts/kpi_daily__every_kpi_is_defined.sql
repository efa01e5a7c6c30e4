-- Every KPI and basis that is published has its definition, and every definition its KPI's bases.
{{ config(meta={'failure_means': 'kpi_daily shows a KPI, or a basis of one, that kpi_definitions does not explain.'}) }}
with published as (

    select distinct kpi, basis from {{ ref('kpi_cells') }}

)

select published.kpi, published.basis, definitions.bases
from published
left join {{ ref('kpi_definitions') }} as definitions on published.kpi = definitions.kpi
where coalesce(published.basis <> all(string_to_array(definitions.bases, ', ')), true)
