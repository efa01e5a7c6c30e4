-- Grain: one row per way, level and group of goods of the level: what units that went this way brought and
-- cost. Learnt twice: from all that is known today, and from what was known before the back-test's units were
-- decided. Levels go from the widest group to the narrowest. Not published.
{{ config(
    materialized='table',
    indexes=[{'columns': ['level', 'sku', 'disposition', 'channel', 'grade', 'age_band', 'learnt']}]
) }}

with known as (

    select 'today' as learnt, cases.*
    from {{ ref('disposition_cases') }} as cases
    where known_on <= {{ as_of_date() }}
    union all
    select 'backtest' as learnt, cases.*
    from {{ ref('disposition_cases') }} as cases
    where known_on < {{ backtest_begins_on() }}

)

select
    learnt,
    case
        when grouping(vendor_id) = 0 then 'vendor'
        when grouping(sku) = 0 then 'sku'
        when grouping(age_band) = 0 then 'age'
        when grouping(product_category) = 0 then 'category'
        when grouping(grade) = 0 then 'grade'
        else 'way'
    end as level,
    disposition,
    channel,
    grade,
    product_category,
    age_band,
    sku,
    vendor_id,
    sum(units) as units,
    sum(original_cost) as original_cost,
    sum(recovered) as recovered,
    sum(cost) as cost,
    sum(days * units) as unit_days,
    -- by which the mean share varies
    cast(sum(power(recovered - cost, 2) / units) as numeric(48, 2)) as squared_net
from known
group by
    learnt,
    grouping sets (
        (disposition, channel),
        (disposition, channel, grade),
        (disposition, channel, grade, product_category),
        (disposition, channel, grade, product_category, age_band),
        (disposition, channel, grade, age_band, sku),
        (disposition, channel, vendor_id)
    )
