{#- Rows of kpi_daily of one basis, so that two of them are never added up, with the ratio of each row. Only rows
    that nothing will change any more; of a KPI that has none by its meaning (kpi_definitions.matures), all. -#}
{% macro kpi_daily_of(basis) -%}
select
    cells.kpi,
    cells.period_date,
    cells.channel,
    cells.product_category,
    cells.site,
    cells.currency,
    cells.numerator,
    cells.denominator,
    cells.numerator / nullif(cells.denominator, 0) as ratio,
    cells.business_date,
    cells.completeness,
    cells.completeness_reason
from {{ ref('kpi_daily') }} as cells
inner join {{ ref('kpi_definitions') }} as definitions on cells.kpi = definitions.kpi
where cells.basis = '{{ basis }}' and (cells.is_mature or not definitions.matures)
{%- endmacro %}
