-- Grain: one row per product category: units decided lately, at most so many decisions, what they brought, and what the
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

    select cases.*
    from {{ ref('disposition_cases') }} as cases
    inner join {{ ref('disposition_candidates') }} as judged
        on judged.learnt = 'backtest' and cases.disposition_id = judged.candidate

),

-- Since when: where so many were decided that the older ones are left out, since the oldest that is not
begun as (

    select
        product_category,
        case
            when count(*) >= {{ var('backtest_decisions', 1000) }} then min(decided_on) else {{ backtest_begins_on() }}
        end as decided_from
    from {{ ref('disposition_candidates') }}
    where learnt = 'backtest'
    group by product_category

),

-- What was done; of goods put up for sale and never sold, which went through no channel, by the best one
done as (

    select distinct on (cases.disposition_id)
        cases.disposition_id,
        options.channel,
        options.net,
        options.net_error
    from cases
    inner join options
        on cases.disposition_id = options.candidate and cases.disposition = options.disposition
        and (cases.channel = 'NONE' or cases.channel = options.channel)
    order by cases.disposition_id asc, options.net desc, options.channel asc

),

judged as (

    select
        cases.disposition_id,
        cases.product_category,
        cases.grade,
        cases.units,
        cases.recovered - cases.cost as realised,
        done.net * cases.units as expected_of_done,
        advised.net * cases.units as expected_of_advice,
        cases.disposition = advised.disposition and done.channel = advised.channel as is_agreed,
        cases.disposition as done_disposition,
        done.channel as done_channel,
        done.net_error as done_error,
        advised.disposition as advised_disposition,
        advised.channel as advised_channel,
        advised.net_error as advised_error
    from cases
    inner join advised on cases.disposition_id = advised.candidate and advised.rank = 1
    inner join done on cases.disposition_id = done.disposition_id

),

-- Units of one category, grade and way rest on one mean, and are off together
sides as (

    select product_category, grade, advised_disposition as disposition, advised_channel as channel, units,
        advised_error as error
    from judged
    where not is_agreed
    union all
    select product_category, grade, done_disposition, done_channel, -units as units, done_error as error
    from judged
    where not is_agreed

),

errors as (

    select product_category, sqrt(sum(power(off, 2))) as off
    from (
        select product_category, sum(units * error) as off
        from sides
        group by product_category, grade, disposition, channel
    ) as means
    group by product_category

),

by_category as (

    select
        product_category,
        sum(units) as units,
        coalesce(sum(units) filter (where is_agreed), 0) as agreed_units,
        coalesce(sum(units) filter (
            where not is_agreed and (done_error is null or advised_error is null)
        ), 0) as units_without_error,
        sum(realised) as realised,
        coalesce(sum(realised) filter (where is_agreed), 0) as realised_agreed,
        sum(expected_of_done) as expected_of_done,
        sum(expected_of_advice) as expected_of_advice
    from judged
    group by product_category

)

select
    by_category.product_category,
    cast(by_category.units as bigint) as units,
    cast(by_category.agreed_units as bigint) as agreed_units,
    cast(by_category.realised as numeric(18, 2)) as realised_net,
    cast(by_category.realised_agreed as numeric(18, 2)) as realised_net_agreed,
    cast(by_category.expected_of_done as numeric(18, 2)) as expected_net_done,
    cast(by_category.expected_of_advice as numeric(18, 2)) as expected_net_advised,
    cast(by_category.expected_of_advice - by_category.expected_of_done as numeric(18, 2)) as expected_gain,
    cast(round(coalesce(errors.off, 0), 2) as numeric(18, 2)) as expected_gain_error,
    cast(by_category.units_without_error as bigint) as units_without_error,
    cast(by_category.expected_of_done - by_category.realised as numeric(18, 2)) as bias,
    begun.decided_from,
    cast('{{ var("reporting_currency") }}' as text) as currency
from by_category
left join errors on by_category.product_category = errors.product_category
left join begun on by_category.product_category = begun.product_category
