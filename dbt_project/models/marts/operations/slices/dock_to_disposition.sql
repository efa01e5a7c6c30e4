-- Grain: one row per month of receipt and site. Hours from the dock to the final disposition, Kaplan–Meier.
-- Null where what tells them has not come: unknown is not zero.
-- Additive: units. Hours are of this slice alone and never add up or average out.
{{ config(materialized='table') }}

select
    slices.received_month,
    slices.site,
    slices.received_units,
    {{ known('slices.disposed_units', 'completeness.completeness', 'bigint') }} as disposed_units,
    {{ known('slices.open_units', 'completeness.completeness', 'bigint') }} as open_units,
    {{ known('slices.p50_hours', 'completeness.completeness', 'bigint') }} as p50_hours,
    {{ known('slices.p90_hours', 'completeness.completeness', 'bigint') }} as p90_hours,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('dock_slices') }} as slices
inner join {{ ref('kpi_completeness') }} as completeness
    on completeness.kpi = 'dock_to_disposition_time' and completeness.basis = 'RETURN'
where slices.slice = 'finest'
