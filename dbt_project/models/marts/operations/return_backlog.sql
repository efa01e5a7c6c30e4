-- Grain: one row per status, age bucket, channel, product category and site, of returns that are open now.
-- Additive: everything. The site is where the units are, or the one that shipped them while they are away.
{{ config(materialized='table') }}

with open_lines as (

    select
        status,
        channel,
        product_category,
        case when site = 'NOT_RECEIVED' then ship_from_site else site end as site,
        {{ as_of_date() }} - basis_on as age_days,
        open_quantity,
        case
            when line_quantity > 0
                then round(line_net_reporting * open_quantity / line_quantity, 2)
            else 0
        end as open_value
    from {{ ref('fct_return_line') }}
    where is_counted and open_quantity > 0

),

aged as (

    select
        *,
        case
            when age_days <= 7 then '0-7'
            when age_days <= 14 then '8-14'
            when age_days <= 30 then '15-30'
            when age_days <= 60 then '31-60'
            else '60+'
        end as age_bucket
    from open_lines

)

select
    status,
    age_bucket,
    channel,
    product_category,
    site,
    min(age_days) as youngest_days,
    max(age_days) as oldest_days,
    count(*) as return_lines,
    cast(sum(open_quantity) as bigint) as open_units,
    cast(sum(open_value) as numeric(18, 2)) as open_value,
    cast('{{ var("reporting_currency") }}' as text) as currency
from aged
group by status, age_bucket, channel, product_category, site
