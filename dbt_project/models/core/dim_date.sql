{{ config(materialized='table', indexes=[{'columns': ['date_day'], 'unique': true}]) }}
-- Grain: one row per day from var calendar_start to the end of the year after the business date,
-- and 1900-01-01 for a date that is not known. Fiscal years are named by the year they end in.

with days as (
    select cast(day as date) as date_day
    from generate_series(
        cast('{{ var("calendar_start") }}' as timestamp),
        date_trunc('year', cast({{ as_of_date() }} as timestamp))
        + interval '2 years' - interval '1 day',
        interval '1 day'
    ) as series (day)
    union all
    select cast('1900-01-01' as date) as date_day
),

parts as (
    select
        date_day,
        cast(extract(year from date_day) as integer) as year,
        cast(extract(month from date_day) as integer) as month,
        -- months since the fiscal year began
        (cast(extract(month from date_day) as integer)
            - {{ var('fiscal_year_start_month') }} + 12) % 12 as fiscal_month
    from days
)

select
    date_day,
    cast(to_char(date_day, 'YYYYMMDD') as integer) as date_key,
    year,
    cast(extract(quarter from date_day) as integer) as quarter,
    month,
    cast(extract(day from date_day) as integer) as day_of_month,
    cast(extract(week from date_day) as integer) as iso_week,
    cast(extract(isodow from date_day) as integer) as day_of_week,
    cast(date_trunc('month', date_day) as date) as month_start,
    extract(isodow from date_day) >= 6 as is_weekend,
    -- fiscal
    case
        when {{ var('fiscal_year_start_month') }} > 1
            and month >= {{ var('fiscal_year_start_month') }} then year + 1
        else year
    end as fiscal_year,
    fiscal_month / 3 + 1 as fiscal_quarter,
    fiscal_month + 1 as fiscal_period,
    'FY' || case
        when {{ var('fiscal_year_start_month') }} > 1
            and month >= {{ var('fiscal_year_start_month') }} then year + 1
        else year
    end || '-P' || lpad(cast(fiscal_month + 1 as text), 2, '0') as fiscal_label,
    date_day = cast('1900-01-01' as date) as is_unknown
from parts
