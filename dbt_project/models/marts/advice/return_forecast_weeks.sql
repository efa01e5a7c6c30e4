-- Grain: one row per site that will receive and week of the next four: what return_forecast has of its days and
-- categories, with the bounds of the whole week. Additive: units, minutes and unit days; bounds never add up.
{{ config(materialized='table') }}

select
    site,
    week_ahead,
    starts_on,
    starts_on + 6 as ends_on,
    -- units
    under_way_units,
    past_sales_units,
    coming_sales_units,
    unknown_sale_units,
    expected_units,
    low_80,
    high_80,
    low_95,
    high_95,
    naive_units,
    -- work
    labour_minutes,
    storage_unit_days,
    -- how
    method,
    reason
from {{ source('estimates', 'return_forecast') }}
where origin_on = {{ as_of_date() }} and days = 7
