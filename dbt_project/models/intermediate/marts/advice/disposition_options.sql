-- Grain: one row per unit group to decide and way that the company has ever gone: what a unit should bring, and what
-- bars the way: law and contract come first, and a barred way is never advised. Not published.
{#- To sort so many rows by text takes three times as long as all of the rest: 8.3 s of 284,000 rows, 3.0 s hashed. #}
{{ config(materialized='table', pre_hook='set local enable_mergejoin = off') }}

with barred as (

    select
        estimated.*,
        case
            when estimated.hazmat_class is not null and not exists (
                select 1 from {{ ref('disposition_rules') }} as rules
                where rules.waste_stream = 'hazmat' and estimated.disposition = rules.disposition
                    and split_part(estimated.hazmat_class, '.', 1) = rules.waste_class
            ) then 'hazard class ' || estimated.hazmat_class
            when estimated.weee_category is not null and not exists (
                select 1 from {{ ref('disposition_rules') }} as rules
                where rules.waste_stream = 'weee' and estimated.disposition = rules.disposition
                    and estimated.weee_category = rules.waste_class
            ) then 'e-waste category ' || estimated.weee_category
            when estimated.disposition = 'HAZ_DISPOSE'
                and estimated.hazmat_class is null and estimated.weee_category is null
                then 'no hazardous goods'
            when bars.rule is not null then bars.rule
            when estimated.was_worked_on and estimated.disposition in ('REFURBISH', 'REPAIR')
                then 'it has been worked on'
            when estimated.disposition = 'RTV' and estimated.rtv_window_days is null
                then 'the vendor takes nothing back'
            when estimated.disposition = 'RTV' and estimated.shipped_on is null
                then 'no sale that the vendor''s window counts from'
            when estimated.disposition = 'RTV'
                and estimated.shipped_on + estimated.rtv_window_days < estimated.decided_on
                then 'the vendor''s window has ended'
            when estimated.disposition <> 'RTV' and estimated.cases_of_grade = 0
                then 'never done with goods of this grade'
        end as barred_by
    from {{ ref('disposition_estimates') }} as estimated
    left join lateral (
        select min(rules.rule) as rule from {{ ref('disposition_bars') }} as rules
        where estimated.disposition = rules.disposition
            and rules.product_category in ('*', estimated.product_category)
            and rules.reason in ('*', estimated.reason)
            and rules.grade in ('*', estimated.grade)
    ) as bars on true

)

select
    learnt,
    candidate,
    disposition,
    channel,
    barred_by,
    cases,
    cast(round(net_error, 2) as numeric(18, 2)) as net_error,
    cast(round(
        unit_cost * share * case when disposition = 'SECONDARY_SALE' then sold_share else 1 end
        -- money that comes later is worth less
        * (1 - {{ var('capital_cost_pct', 8) }} / 100.0 * days / 365) - cost, 2
    ) as numeric(18, 2)) as net
from barred
