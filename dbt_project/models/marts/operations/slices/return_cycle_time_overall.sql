-- Grain: one row: all request months, channels and categories together. Return cycle time, Kaplan–Meier, open units censored.
-- Additive: units. Hours are of this slice alone and never add up or average out.
{{ config(materialized='table') }}

select
    units,
    events,
    censored,
    competing,
    p50_hours,
    p90_hours,
    restricted_mean_hours,
    {{ as_of_date() }} as business_date
from {{ ref('cycle_slices') }}
where slice = 'overall'
