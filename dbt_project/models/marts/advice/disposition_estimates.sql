-- Grain: one row per unit group to decide and way that the company has ever gone: which share of its cost a unit
-- should bring, what it should cost and how long it should take. The mean of each group of goods is drawn towards
-- that of the next wider group, the more the fewer units it rests on. Not published.
{{ config(materialized='table') }}
{%- set levels = {
    'grade': ['grade'], 'category': ['grade', 'product_category'], 'age': ['grade', 'product_category', 'age_band'],
} %}
{%- set k = var('shrink_units', 10) %}

-- What becomes of goods that are put up for sale: some are never sold
with sold as (
    select learnt, grade, sum(units) filter (where channel <> 'NONE') / sum(units) as share
    from {{ ref('disposition_experience') }}
    where level = 'grade' and disposition = 'SECONDARY_SALE'
    group by learnt, grade
),

ways as (
    select * from {{ ref('disposition_experience') }}
    where level = 'way' and disposition not in ('RETURN_TO_CUSTOMER', 'KEEP', 'MISSING', 'UNMAPPED')
        and not (disposition = 'SECONDARY_SALE' and channel = 'NONE')
),

-- What means depend on, but for the item: far fewer than what waits
kinds as (
    select
        goods.*,
        ways.disposition, ways.channel,
        cast(coalesce(sold.share, 1) as numeric(38, 6)) as sold_share,
        ways.recovered / ways.original_cost as share, ways.cost / ways.units as cost,
        ways.unit_days / ways.units as days
    from (
        select distinct learnt, grade, product_category, age_band from {{ ref('disposition_candidates') }}
    ) as goods
    inner join ways on goods.learnt = ways.learnt
    left join sold
        on goods.learnt = sold.learnt and goods.grade = sold.grade and ways.disposition = 'SECONDARY_SALE'
),

-- Computed once, however many wait: the planner takes it for a single row, and would do it for each
offered as materialized (
    select
        kinds.learnt, kinds.grade, kinds.product_category, kinds.age_band, kinds.disposition, kinds.channel,
        kinds.sold_share,
        coalesce(by_category.units, 0) as cases, coalesce(by_grade.units, 0) as cases_of_grade,
        -- of the category where it has cases enough, else of the grade
        cast(coalesce({{ error_of_mean('by_category') }}, {{ error_of_mean('by_grade') }}) as numeric(38, 6)) as net_error,
        of_age.*
    from kinds
    {%- for level, keys in levels.items() %}
    left join {{ ref('disposition_experience') }} as by_{{ level }}
        on by_{{ level }}.level = '{{ level }}'
        {%- for key in ['learnt', 'disposition', 'channel'] + keys %}
        and kinds.{{ key }} = by_{{ level }}.{{ key }}
        {%- endfor %}
    cross join lateral (  -- noqa: ST05
        {{ drawn_towards('by_' ~ level, (['kinds', 'of_grade', 'of_category'])[loop.index0]) }}
    ) as of_{{ level }}
    {%- endfor %}
)

select
    {%- for column in [
        'learnt', 'candidate', 'product_category', 'grade', 'reason', 'shipped_on', 'hazmat_class', 'weee_category',
        'was_worked_on', 'decided_on', 'unit_cost',
    ] %}
    candidates.{{ column }},
    {%- endfor %}
    {%- for column in ['disposition', 'channel', 'sold_share', 'cases', 'cases_of_grade', 'net_error'] %}
    offered.{{ column }},
    {%- endfor %}
    cast(case
        when offered.disposition <> 'RTV' then of_sku.share
        -- a vendor's contract is what its credits are drawn towards
        else coalesce(by_vendor.units, 0) / (coalesce(by_vendor.units, 0) + {{ k }})
            * coalesce(by_vendor.recovered / by_vendor.original_cost, 0)
            + {{ k }} / (coalesce(by_vendor.units, 0) + {{ k }})
            * coalesce(vendors.rtv_recovery_pct / 100, of_sku.share)
    end as numeric(38, 6)) as share,
    cast(of_sku.cost as numeric(38, 6)) as cost,
    cast(of_sku.days as numeric(38, 6)) as days,
    vendors.rtv_window_days
from {{ ref('disposition_candidates') }} as candidates
inner join offered
    on candidates.learnt = offered.learnt and candidates.grade = offered.grade
    and candidates.product_category = offered.product_category and candidates.age_band = offered.age_band
left join {{ ref('disposition_experience') }} as by_sku
    on by_sku.level = 'sku' and candidates.sku = by_sku.sku
    {%- for key in ['learnt', 'disposition', 'channel', 'grade', 'age_band'] %}
    and offered.{{ key }} = by_sku.{{ key }}
    {%- endfor %}
cross join lateral (  -- noqa: ST05
    {{ drawn_towards('by_sku', 'offered') }}
) as of_sku
left join {{ ref('dim_vendor') }} as vendors
    on candidates.vendor_id = vendors.vendor_id and vendors.is_current and offered.disposition = 'RTV'
left join {{ ref('disposition_experience') }} as by_vendor
    on by_vendor.level = 'vendor' and by_vendor.disposition = 'RTV' and offered.disposition = 'RTV'
    and candidates.learnt = by_vendor.learnt and candidates.vendor_id = by_vendor.vendor_id
