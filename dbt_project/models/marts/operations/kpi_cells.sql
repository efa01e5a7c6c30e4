-- Grain: one row per KPI, basis, day, channel, product category, site and currency.
-- What kpi_daily shows, without the date of the publication: only cells that the night changed are
-- written anew. Cells whose numerator and denominator are both 0 are left out.
-- Additive: numerator and denominator, over everything but kpi and basis.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'cells'},
    indexes=[{'columns': ['period_date']}]
) }}

with sums as (

    select * from {{ ref('kpi_sums') }}
    {% if is_incremental() -%}
    where (kpi, basis, period_date, channel, product_category, site) in ({{ changed_cells() }})
    {%- endif %}

),

final as (

    select
        kpi,
        basis,
        period_date,
        channel,
        product_category,
        site,
        cast('{{ var("reporting_currency") }}' as text) as currency,
        cast(sum(numerator) as numeric(20, 2)) as numerator,
        cast(sum(denominator) as numeric(20, 2)) as denominator,
        max(mature_on) <= {{ as_of_date() }} as is_mature
    from sums
    group by kpi, basis, period_date, channel, product_category, site
    having sum(numerator) <> 0 or sum(denominator) <> 0

)

select * from final
