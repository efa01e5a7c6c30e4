-- Grain: one row per request month and step of the process. Time per step, Kaplan–Meier.
-- Null where what tells them has not come: unknown is not zero.
-- A line passes several steps: units add up within a step only, hours never.
-- A view over cycle_step_slices, since the night's date is new on every row and nothing else is.
{{ config(materialized='view') }}

select
    slices.request_month,
    slices.step_no,
    slices.step,
    slices.units,
    {{ known('slices.events', 'completeness.completeness', 'bigint') }} as events,
    {{ known('slices.left_without_event', 'completeness.completeness', 'bigint') }} as left_without_event,
    {{ known('slices.p50_hours', 'completeness.completeness', 'bigint') }} as p50_hours,
    {{ known('slices.p90_hours', 'completeness.completeness', 'bigint') }} as p90_hours,
    publication.business_date,
    completeness.completeness,
    completeness.reason as completeness_reason
from {{ ref('cycle_step_slices') }} as slices
cross join {{ ref('publication') }} as publication
inner join {{ ref('kpi_completeness') }} as completeness
    on completeness.kpi = 'return_cycle_time' and completeness.basis = 'REQUEST'
where slices.request_month <> 'ALL'
