-- Grain: one row per product category: units decided since the back-test began, what they brought, and what the
-- advice would have, by what was known before. People choose for reasons that no record holds (a scratch, a
-- buyer at hand), so that goods that went another way need not have brought its mean: what the advice promises
-- is no measured gain, and `bias` says how far such means were off for the ways that were gone. To be read by
-- category.
{{ config(materialized='table') }}

with options as (

    select * from {{ ref('disposition_options') }}
    where learnt = 'backtest'

),

advised as (

    select
        *,
        row_number() over (partition by candidate order by net desc, cases desc, disposition asc, channel asc) as rank
    from options
    where barred_by is null and net is not null

),

cases as (

    select * from {{ ref('disposition_cases') }}
    where decided_on >= {{ backtest_begins_on() }} and known_on <= {{ as_of_date() }}

),

judged as (

    select
        cases.product_category,
        cases.units,
        cases.recovered - cases.cost as realised,
        done.net * cases.units as expected_of_done,
        advised.net * cases.units as expected_of_advice,
        cases.disposition = advised.disposition and cases.channel = advised.channel as is_agreed,
        case
            when cases.disposition = advised.disposition and cases.channel = advised.channel then 0
            else power(cases.units * coalesce(done.net_error, 0), 2)
                + power(cases.units * coalesce(advised.net_error, 0), 2)
        end as squared_error
    from cases
    inner join advised on cases.disposition_id = advised.candidate and advised.rank = 1
    -- goods put up for sale and never sold went through no channel: then by the best one
    inner join lateral (
        select options.net, options.net_error from options
        where cases.disposition_id = options.candidate and cases.disposition = options.disposition
            and options.channel in (cases.channel, case when cases.channel = 'NONE' then options.channel end)
        order by options.net desc
        limit 1
    ) as done on true

)

select
    product_category,
    cast(sum(units) as bigint) as units,
    cast(coalesce(sum(units) filter (where is_agreed), 0) as bigint) as agreed_units,
    cast(sum(realised) as numeric(18, 2)) as realised_net,
    cast(coalesce(sum(realised) filter (where is_agreed), 0) as numeric(18, 2)) as realised_net_agreed,
    cast(sum(expected_of_done) as numeric(18, 2)) as expected_net_done,
    cast(sum(expected_of_advice) as numeric(18, 2)) as expected_net_advised,
    cast(sum(expected_of_advice - expected_of_done) as numeric(18, 2)) as expected_gain,
    cast(round(sqrt(sum(squared_error)), 2) as numeric(18, 2)) as expected_gain_error,
    cast(sum(expected_of_done - realised) as numeric(18, 2)) as bias,
    {{ backtest_begins_on() }} as decided_from,
    cast('{{ var("reporting_currency") }}' as text) as currency
from judged
group by product_category
