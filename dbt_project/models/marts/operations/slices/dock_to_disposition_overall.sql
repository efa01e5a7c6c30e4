-- Grain: one row: all months and sites together. Hours from the dock to the final disposition, Kaplan–Meier.
-- Additive: units. Hours are of this slice alone and never add up or average out.
{{ config(materialized='table') }}

select
    received_units,
    disposed_units,
    open_units,
    p50_hours,
    p90_hours,
    restricted_mean_hours,
    {{ as_of_date() }} as business_date
from {{ ref('dock_slices') }}
where slice = 'overall'
