-- The components of cost per return add up to the whole, in every slice.
{{ config(meta={'failure_means': 'A cost component is missing from, or counted twice in, cost_per_return.'}) }}
with whole as (

    select period_date, channel, product_category, site, numerator
    from {{ ref('kpi_daily') }}
    where kpi = 'cost_per_return'

),

parts as (

    select period_date, channel, product_category, site, sum(numerator) as numerator
    from {{ ref('kpi_daily') }}
    where kpi like 'cost_per_return.%'
    group by period_date, channel, product_category, site

)

select *
from whole
full join parts using (period_date, channel, product_category, site)
where whole.numerator is distinct from parts.numerator
