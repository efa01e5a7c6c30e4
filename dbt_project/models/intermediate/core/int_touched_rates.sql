-- Grain: one row per currency and span of days whose rate the night may have changed.
-- A changed rate holds from its day to the next rate; the first rate of all also reaches back.

with changed as (
    {%- if is_full_build() %}
    select rate_date, from_currency as currency from {{ ref('stg_erp__fx_rates') }} where false
    {%- else %}
    select distinct rate_date, from_currency as currency
    from {{ source('erp', 'erp_fx_rates') }}
    where _file_id in ({{ changed_files('erp_fx_rates') }})
        and to_currency = '{{ var("reporting_currency") }}'
    {%- endif %}
),

rates as (
    select rate_date, from_currency as currency
    from {{ ref('stg_erp__fx_rates') }}
    where to_currency = '{{ var("reporting_currency") }}'
)

select
    changed.currency,
    case
        when min(earlier.rate_date) is null then cast('1900-01-01' as date)
        else changed.rate_date
    end as affected_from,
    coalesce(
        (
            select min(later.rate_date) from rates as later
            where later.currency = changed.currency and later.rate_date > changed.rate_date
        ),
        cast('9999-12-31' as date)
    ) as affected_to
from changed
left join rates as earlier
    on changed.currency = earlier.currency and changed.rate_date > earlier.rate_date
group by changed.currency, changed.rate_date
