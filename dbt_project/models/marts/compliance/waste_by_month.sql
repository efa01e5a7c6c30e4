-- Grain: one row per month of disposition, site, hazard class, e-waste category and disposition: what left,
-- by weight. Additive: units and kilograms. Goods missing in the warehouse went nowhere that could be
-- weighed: they stand here with their weight, outside of the diversion rate (counts_for_diversion). Kilograms
-- are null, not 0, where nothing has come that says what goods weigh.
{{ config(materialized='table', indexes=[{'columns': ['month']}]) }}

with gone as (

    select
        cast(date_trunc('month', disposed_on) as date) as month,
        site,
        coalesce(hazmat_class, 'NONE') as hazmat_class,
        coalesce(weee_category, 'NONE') as weee_category,
        disposition,
        is_landfill_diverting as is_diverted,
        sum(net_quantity) as units,
        coalesce(sum(net_quantity * weight_g), 0) as weight_g,
        coalesce(sum(net_quantity) filter (where is_certificate_missing), 0) as units_without_certificate,
        coalesce(sum(net_quantity) filter (where not is_allowed_for_class), 0) as units_not_allowed
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0
    group by
        cast(date_trunc('month', disposed_on) as date), site, coalesce(hazmat_class, 'NONE'),
        coalesce(weee_category, 'NONE'), disposition, is_landfill_diverting

)

select
    gone.month,
    gone.site,
    gone.hazmat_class,
    gone.weee_category,
    gone.disposition,
    gone.is_diverted,
    gone.disposition <> 'MISSING' as counts_for_diversion,
    cast(gone.units as bigint) as units,
    cast(case when items.has_come then gone.weight_g / 1000.0 end as numeric(18, 3)) as weight_kg,
    cast(gone.units_without_certificate as bigint) as units_without_certificate,
    cast(gone.units_not_allowed as bigint) as units_not_allowed,
    {{ completeness_of_weight('items') }}
from gone
inner join {{ ref('dim_feed') }} as items on items.feed = 'erp_items'
