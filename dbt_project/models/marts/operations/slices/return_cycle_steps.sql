-- Grain: one row per request month and step of the process. Time per step, Kaplan–Meier.
-- A line passes several steps: units add up within a step only, hours never.
{{ config(materialized='table') }}

select
    request_month,
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
where request_month <> 'ALL'
