{{ config(indexes=[{'columns': ['currency', 'valid_from'], 'unique': true}]) }}
-- Grain: one row per currency and period of one rate to the reporting currency.
-- A day without a rate takes the last one before it; days before the first rate take the first.

with rates as (
    select from_currency as currency, rate_date, rate
    from {{ ref('stg_erp__fx_rates') }}
    where to_currency = '{{ var("reporting_currency") }}'
        and from_currency <> '{{ var("reporting_currency") }}'
),

periods as (
    select
        currency,
        case
            when lag(rate_date) over by_currency is null then cast('1900-01-01' as date)
            else rate_date
        end as valid_from,
        coalesce(lead(rate_date) over by_currency, cast('9999-12-31' as date)) as valid_to,
        rate
    from rates
    window by_currency as (partition by currency order by rate_date)
)

select currency, valid_from, valid_to, rate
from periods
union all
select
    '{{ var("reporting_currency") }}' as currency,
    cast('1900-01-01' as date) as valid_from,
    cast('9999-12-31' as date) as valid_to,
    cast(1 as numeric(20, 8)) as rate
