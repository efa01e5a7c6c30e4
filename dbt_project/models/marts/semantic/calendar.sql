-- Grain: one row per day of dim_date, but for the row of the day that is not known.
-- Days for BI tools to join to, and MetricFlow's time spine.
{{ config(materialized='table') }}

select
    date_day,
    month_start,
    year,
    quarter,
    month,
    iso_week,
    day_of_week,
    is_weekend,
    fiscal_year,
    fiscal_quarter,
    fiscal_label
from {{ ref('dim_date') }}
where not is_unknown
