-- Grain: one row per day of the next four weeks, site that will receive and product category: units expected to
-- come back, in parts that re-add, and the work that they bring. Additive: units, minutes and unit days. Bounds
-- of different rows never add up: those of a site's week are in return_forecast_weeks.
{{ config(materialized='table', indexes=[{'columns': ['expected_on']}]) }}

select
    starts_on as expected_on,
    site,
    product_category,
    week_ahead,
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
where origin_on = {{ as_of_date() }} and days = 1
