-- Grain: one row per site and week ahead: how the model did on the Sundays of forecast_backtest, against the
-- seasonal naive forecast (the last seven days again) of the same weeks. Sums add up over sites; a ratio of
-- several rows is the ratio of their sums.
{{ config(materialized='table') }}

with errors as (

    select
        *,
        expected_units - actual_units as error,
        abs(expected_units - actual_units) as absolute_error,
        abs(naive_units - actual_units) as naive_absolute_error
    from {{ ref('forecast_backtest') }}

)

select
    site,
    week_ahead,
    -- what it is measured on
    cast(count(*) as bigint) as weeks,
    min(starts_on) as first_week_on,
    max(starts_on) as last_week_on,
    -- units
    cast(sum(actual_units) as numeric(14, 4)) as actual_units,
    cast(sum(expected_units) as numeric(14, 4)) as expected_units,
    cast(sum(naive_units) as numeric(14, 4)) as naive_units,
    cast(sum(error) as numeric(14, 4)) as bias_units,
    cast(sum(absolute_error) as numeric(14, 4)) as absolute_error_units,
    cast(sum(naive_absolute_error) as numeric(14, 4)) as naive_absolute_error_units,
    cast(count(*) filter (where is_within_80) as bigint) as weeks_within_80,
    cast(count(*) filter (where is_within_95) as bigint) as weeks_within_95,
    -- ratios
    cast(round(sum(absolute_error) / nullif(sum(naive_absolute_error), 0), 4) as numeric(12, 4)) as mase_ratio,
    cast(round(sum(error) / nullif(sum(actual_units), 0), 4) as numeric(12, 4)) as bias_ratio,
    cast(round(avg(cast(is_within_80 as integer)), 4) as numeric(6, 4)) as coverage_80_share,
    cast(round(avg(cast(is_within_95 as integer)), 4) as numeric(6, 4)) as coverage_95_share
from errors
group by site, week_ahead
