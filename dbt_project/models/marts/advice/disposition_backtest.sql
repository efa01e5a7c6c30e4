-- Grain: one row per product category: units decided since the back-test began, what they brought, and what the
-- advice would have, by what was known before. People choose for reasons that no record holds (a scratch, a
-- buyer at hand), so that goods that went another way need not have brought its mean: what the advice promises
-- is no measured gain, and `bias` says how far such means were off for the ways that were gone. To be read by
-- category.
{{ config(materialized='table') }}

-- Each case beside its options: those open to it, and the way that it went. Ranked in one pass, not joined: the
-- planner takes what a rank leaves for a handful and would search it for each case
with ranked as (
    select
        options.*,
        row_number() over (
            partition by disposition_id, is_open order by net desc, cases desc, disposition asc, channel asc
        ) as rank_of_open,
        row_number() over (partition by disposition_id, is_done order by net desc, channel asc) as rank_of_done
    from (
        select
            cases.disposition_id, cases.product_category, cases.grade, cases.units, cases.recovered - cases.cost as realised,
            cases.disposition as done_disposition,
            options.disposition, options.channel, options.cases, options.net, options.net_error,
            options.barred_by is null and options.net is not null as is_open,
            -- goods put up for sale and never sold went through no channel: then by the best one
            cases.disposition = options.disposition and cases.channel in (options.channel, 'NONE') as is_done
        from {{ ref('disposition_cases') }} as cases
        inner join {{ ref('disposition_options') }} as options
            on cases.disposition_id = options.candidate and options.learnt = 'backtest'
        where cases.decided_on >= {{ backtest_begins_on() }} and cases.known_on <= {{ as_of_date() }}
    ) as options
),

chosen as (
    select
        {%- for side, rank in {'done': 'rank_of_done', 'advised': 'rank_of_open'}.items() %}
        {%- for column in ['disposition', 'channel', 'net', 'net_error'] if (side, column) != ('done', 'disposition') %}
        max({{ column }}) filter (where {{ rank }} = 1 and {{ 'is_done' if side == 'done' else 'is_open' }}) as {{ side }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        product_category, grade, units, realised, done_disposition
    from ranked
    group by disposition_id, product_category, grade, units, realised, done_disposition
    having bool_or(is_done) and bool_or(is_open)
),

judged as (
    select
        *,
        done_net * units as expected_of_done,
        advised_net * units as expected_of_advice,
        done_disposition = advised_disposition and done_channel = advised_channel as is_agreed
    from chosen
),

-- Units of one category, grade and way rest on one mean, and are off together
sides as (

    select product_category, grade, advised_disposition as disposition, advised_channel as channel, units,
        advised_net_error as error
    from judged
    where not is_agreed
    union all
    select product_category, grade, done_disposition, done_channel, -units as units, done_net_error as error
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
            where not is_agreed and (done_net_error is null or advised_net_error is null)
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
    {{ backtest_begins_on() }} as decided_from,
    cast('{{ var("reporting_currency") }}' as text) as currency
from by_category
left join errors on by_category.product_category = errors.product_category
