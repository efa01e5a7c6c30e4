-- Grain: one row per site. Hours from the dock to the final disposition, Kaplan–Meier.
-- Additive: units. Hours are of this slice alone and never add up or average out.
{{ config(materialized='table') }}

select
    site,
    received_units,
    disposed_units,
    open_units,
    p50_hours,
    p90_hours,
    restricted_mean_hours
from {{ ref('dock_slices') }}
where slice = 'site'
