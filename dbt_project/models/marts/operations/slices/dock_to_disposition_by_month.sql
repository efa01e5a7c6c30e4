-- Grain: one row per month of receipt. Hours from the dock to the final disposition, Kaplan–Meier.
-- Additive: units. Hours are of this slice alone and never add up or average out.
{{ config(materialized='table') }}

select
    received_month,
    received_units,
    disposed_units,
    open_units,
    p50_hours,
    p90_hours,
    restricted_mean_hours
from {{ ref('dock_slices') }}
where slice = 'month'
