-- Grain: one row per Sunday of the past, site and week ahead of it that has passed: what the model would have
-- said that evening, knowing nothing later, beside what came and the naive forecast. Units add up over sites and
-- Sundays, not over weeks ahead: four forecasts are of one week.
{{ config(materialized='table') }}

select
    origin_on,
    site,
    week_ahead,
    starts_on,
    starts_on + 6 as ends_on,
    -- units
    actual_units,
    expected_units,
    naive_units,
    low_80,
    high_80,
    low_95,
    high_95,
    actual_units between low_80 and high_80 as is_within_80,
    actual_units between low_95 and high_95 as is_within_95
from {{ source('estimates', 'return_forecast') }}
where origin_on < {{ as_of_date() }} and days = 7
