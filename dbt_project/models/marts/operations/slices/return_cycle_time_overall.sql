-- Grain: one row: all request months, channels and categories together. Return cycle time, Kaplan–Meier, open units
-- censored. Null where what tells them has not come: unknown is not zero. Additive: units. Hours are of this slice
-- alone and never add up or average out. A view over cycle_slices, since the night's date is new on every row and
-- nothing else is.
{{ config(materialized='view') }}

select
    slices.units,
    {{ known('slices.events', 'completeness.completeness', 'bigint') }} as events,
    {{ known('slices.censored', 'completeness.completeness', 'bigint') }} as censored,
    {{ known('slices.competing', 'completeness.completeness', 'bigint') }} as competing,
    {{ known('slices.p50_hours', 'completeness.completeness', 'bigint') }} as p50_hours,
    {{ known('slices.p90_hours', 'completeness.completeness', 'bigint') }} as p90_hours,
    publication.business_date,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('cycle_slices') }} as slices
cross join {{ ref('publication') }} as publication
inner join {{ ref('kpi_completeness') }} as completeness
    on completeness.kpi = 'return_cycle_time' and completeness.basis = 'REQUEST'
where slices.slice = 'overall'
