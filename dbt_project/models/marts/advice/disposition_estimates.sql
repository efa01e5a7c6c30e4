-- Grain: one row per unit group to decide and way that the company has ever gone: which share of its cost a unit
-- should bring, what it should cost and how long it should take. The mean of each group of goods is drawn towards
-- that of the next wider group, the more the fewer units it rests on. Not published.
{{ config(materialized='table') }}
{%- set levels = {
    'grade': ['grade'], 'category': ['grade', 'product_category'],
    'age': ['grade', 'product_category', 'age_band'], 'sku': ['grade', 'age_band', 'sku'],
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

offered as (

    select
        candidates.*,
        ways.disposition,
        ways.channel,
        cast(coalesce(sold.share, 1) as numeric(38, 6)) as sold_share,
        ways.recovered / ways.original_cost as share,
        ways.cost / ways.units as cost,
        ways.unit_days / ways.units as days
    from {{ ref('disposition_candidates') }} as candidates
    inner join ways on candidates.learnt = ways.learnt
    left join sold
        on candidates.learnt = sold.learnt and candidates.grade = sold.grade
        and ways.disposition = 'SECONDARY_SALE'

)

select
    {%- for column in [
        'learnt', 'candidate', 'product_category', 'grade', 'reason', 'shipped_on', 'hazmat_class', 'weee_category',
        'was_worked_on', 'decided_on', 'unit_cost', 'disposition', 'channel', 'sold_share',
    ] %}
    offered.{{ column }},
    {%- endfor %}
    coalesce(by_category.units, 0) as cases,
    coalesce(by_grade.units, 0) as cases_of_grade,
    -- of the category where it has cases enough, else of the grade
    cast(coalesce({{ error_of_mean('by_category') }}, {{ error_of_mean('by_grade') }}) as numeric(38, 6)) as net_error,
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
from offered
{%- for level, keys in levels.items() %}
left join {{ ref('disposition_experience') }} as by_{{ level }}
    on by_{{ level }}.level = '{{ level }}'
    and offered.learnt = by_{{ level }}.learnt
    and offered.disposition = by_{{ level }}.disposition
    and offered.channel = by_{{ level }}.channel
    {%- for key in keys %}
    and offered.{{ key }} = by_{{ level }}.{{ key }}
    {%- endfor %}
cross join lateral (  -- noqa: ST05
    {{ drawn_towards('by_' ~ level, (['offered', 'of_grade', 'of_category', 'of_age'])[loop.index0]) }}
) as of_{{ level }}
{%- endfor %}
left join {{ ref('dim_vendor') }} as vendors
    on offered.vendor_id = vendors.vendor_id and vendors.is_current and offered.disposition = 'RTV'
left join {{ ref('disposition_experience') }} as by_vendor
    on by_vendor.level = 'vendor' and offered.disposition = 'RTV'
    and offered.learnt = by_vendor.learnt
    and by_vendor.disposition = 'RTV'
    and offered.vendor_id = by_vendor.vendor_id
