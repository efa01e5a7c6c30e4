-- Grain: one row per group of goods to decide (category, grade, age band) and way that the company has ever gone:
-- what a unit of such goods should bring and cost, whatever its SKU. The mean of each group is drawn towards that of
-- the next wider one, the more the fewer units it rests on. Few beside the units, so worked out once for all of them.
-- Not published.
{{ config(materialized='table') }}
{%- set levels = {
    'grade': ['grade'], 'category': ['grade', 'product_category'], 'age': ['grade', 'product_category', 'age_band'],
} %}

-- What becomes of goods that are put up for sale: some are never sold
with sold as (

    select learnt, grade, sum(units) filter (where channel <> 'NONE') / sum(units) as share
    from {{ ref('disposition_experience') }}
    where level = 'grade' and disposition = 'SECONDARY_SALE'
    group by learnt, grade

),

ways as (

    select
        learnt, disposition, channel,
        recovered / original_cost as share, cost / units as cost, unit_days / units as days
    from {{ ref('disposition_experience') }}
    where level = 'way' and disposition not in ('RETURN_TO_CUSTOMER', 'KEEP', 'MISSING', 'UNMAPPED')
        and not (disposition = 'SECONDARY_SALE' and channel = 'NONE')

),

goods as (

    select distinct learnt, grade, product_category, age_band from {{ ref('disposition_candidates') }}

)

select
    goods.*,
    ways.disposition,
    ways.channel,
    cast(coalesce(sold.share, 1) as numeric(38, 6)) as sold_share,
    coalesce(by_category.units, 0) as cases,
    coalesce(by_grade.units, 0) as cases_of_grade,
    -- of the category where it has cases enough, else of the grade
    cast(coalesce({{ error_of_mean('by_category') }}, {{ error_of_mean('by_grade') }}) as numeric(38, 6)) as net_error,
    {%- for mean in ['share', 'cost', 'days'] %}
    cast(of_age.{{ mean }} as numeric(38, 18)) as {{ mean }}{{ ',' if not loop.last }}
    {%- endfor %}
from goods
inner join ways on goods.learnt = ways.learnt
left join sold
    on goods.learnt = sold.learnt and goods.grade = sold.grade and ways.disposition = 'SECONDARY_SALE'
{%- for level, keys in levels.items() %}
left join {{ ref('disposition_experience') }} as by_{{ level }}
    on by_{{ level }}.level = '{{ level }}' and ways.learnt = by_{{ level }}.learnt
    and ways.disposition = by_{{ level }}.disposition and ways.channel = by_{{ level }}.channel
    {%- for key in keys %}
    and goods.{{ key }} = by_{{ level }}.{{ key }}
    {%- endfor %}
cross join lateral (  -- noqa: ST05
    {{ drawn_towards('by_' ~ level, (['ways', 'of_grade', 'of_category'])[loop.index0]) }}
) as of_{{ level }}
{%- endfor %}
