-- Grain: one row per month of disposition, site, hazard class, e-waste category and disposition: what left,
-- by weight. Additive: units and kilograms. Goods missing in the warehouse went nowhere that could be
-- weighed: they stand here with their weight, outside of the diversion rate (counts_for_diversion).
{{ config(materialized='table', indexes=[{'columns': ['month']}]) }}

select
    cast(date_trunc('month', disposed_on) as date) as month,
    site,
    coalesce(hazmat_class, 'NONE') as hazmat_class,
    coalesce(weee_category, 'NONE') as weee_category,
    disposition,
    is_landfill_diverting as is_diverted,
    disposition <> 'MISSING' as counts_for_diversion,
    cast(sum(net_quantity) as bigint) as units,
    cast(coalesce(sum(net_quantity * weight_g), 0) / 1000.0 as numeric(18, 3)) as weight_kg,
    cast(coalesce(sum(net_quantity) filter (where is_certificate_missing), 0) as bigint)
        as units_without_certificate,
    cast(coalesce(sum(net_quantity) filter (where not is_allowed_for_class), 0) as bigint)
        as units_not_allowed
from {{ ref('fct_disposition') }}
where is_final and net_quantity > 0
group by
    cast(date_trunc('month', disposed_on) as date), site, coalesce(hazmat_class, 'NONE'),
    coalesce(weee_category, 'NONE'), disposition, is_landfill_diverting
