-- Grain: one row per unit group to decide and way that the company has ever gone: which share of its cost a unit
-- should bring, what it should cost and how long it should take. The mean of its SKU is drawn towards that of such
-- goods, the more the fewer units it rests on. Not published.
{{ config(materialized='view', post_hook=[]) }}
{%- set k = var('shrink_units', 10) %}

select
    {%- for column in [
        'learnt', 'candidate', 'product_category', 'grade', 'reason', 'shipped_on', 'hazmat_class', 'weee_category',
        'was_worked_on', 'decided_on', 'unit_cost',
    ] %}
    candidates.{{ column }},
    {%- endfor %}
    means.disposition, means.channel, means.sold_share,
    means.cases, means.cases_of_grade, means.net_error,
    cast(case
        when means.disposition <> 'RTV' then of_sku.share
        -- a vendor's contract is what its credits are drawn towards
        else coalesce(by_vendor.units, 0) / (coalesce(by_vendor.units, 0) + {{ k }})
            * coalesce(by_vendor.recovered / by_vendor.original_cost, 0)
            + {{ k }} / (coalesce(by_vendor.units, 0) + {{ k }})
            * coalesce(vendors.rtv_recovery_pct / 100, of_sku.share)
    end as numeric(38, 6)) as share,
    cast(of_sku.cost as numeric(38, 6)) as cost, cast(of_sku.days as numeric(38, 6)) as days,
    vendors.rtv_window_days
from {{ ref('disposition_candidates') }} as candidates
inner join {{ ref('disposition_means') }} as means
    on candidates.learnt = means.learnt and candidates.grade = means.grade
    and candidates.product_category = means.product_category and candidates.age_band = means.age_band
left join {{ ref('disposition_experience') }} as by_sku
    on by_sku.level = 'sku' and candidates.learnt = by_sku.learnt and candidates.grade = by_sku.grade
    and candidates.age_band = by_sku.age_band and candidates.sku = by_sku.sku
    and means.disposition = by_sku.disposition and means.channel = by_sku.channel
cross join lateral ({{ drawn_towards('by_sku', 'means') }}) as of_sku  -- noqa: ST05
left join {{ ref('dim_vendor') }} as vendors
    on candidates.vendor_id = vendors.vendor_id and vendors.is_current and means.disposition = 'RTV'
left join {{ ref('disposition_experience') }} as by_vendor
    on by_vendor.level = 'vendor' and by_vendor.disposition = 'RTV' and means.disposition = 'RTV'
    and candidates.learnt = by_vendor.learnt and candidates.vendor_id = by_vendor.vendor_id
