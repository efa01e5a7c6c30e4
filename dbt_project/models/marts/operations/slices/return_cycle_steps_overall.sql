-- Grain: one row per step of the process, of all request months. Time per step, Kaplan–Meier.
-- A line passes several steps: units add up within a step only, hours never.
{{ config(materialized='table') }}

select
    step_no,
    step,
    units,
    events,
    left_without_event,
    p50_hours,
    p90_hours,
    restricted_mean_hours,
    {{ as_of_date() }} as business_date
from {{ ref('cycle_step_slices') }}
where request_month = 'ALL'
