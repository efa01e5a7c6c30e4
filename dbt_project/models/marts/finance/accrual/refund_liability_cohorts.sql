-- Grain: one row per month end, product category and month of shipping up to it: what was still expected to
-- come back, as it could be estimated then, and what came since. A share of sales returns at each age in
-- months; it is learnt from all cohorts of the category that had reached that age by the month end, so no
-- estimate knows the future. Additive over cohorts and categories within one month end, never over month ends.
{{ config(materialized='table') }}

with cohorts as (
    select * from {{ ref('accrual_cohorts') }}
),

returns as (
    select
        cohort_month, product_category,
        {{ months_between('cohort_month', 'return_month') }} as age,
        returned_value,
        returned_cost
    from {{ ref('accrual_returns') }}
),

-- Month ends that have passed; the month of the business date only where it is its last day
months as (
    select distinct cohort_month as month
    from cohorts
    where cast(cohort_month + interval '1 month' as date) <= {{ as_of_date() }} + 1
),

ages as (
    select month, age
    from months
    cross join generate_series(0, {{ var('accrual_ages', 12) }}) as series (age)
),

-- Share of a cohort that returns at each age, from the cohorts that had lived it by the month end
shares as (
    select
        ages.month,
        ages.age,
        cohorts.product_category,
        coalesce(sum(returns.returned_value), 0) / nullif(sum(cohorts.shipped_value), 0) as value_share,
        coalesce(sum(returns.returned_cost), 0) / nullif(sum(cohorts.shipped_cost), 0) as cost_share
    from ages
    inner join cohorts
        on ages.month >= cohorts.cohort_month + ages.age * interval '1 month'
    left join returns
        on cohorts.cohort_month = returns.cohort_month
        and cohorts.product_category = returns.product_category
        and ages.age = returns.age
    group by ages.month, ages.age, cohorts.product_category
),

ahead as (
    select
        months.month,
        cohorts.cohort_month,
        cohorts.product_category,
        coalesce(sum(shares.value_share), 0) as value_share,
        coalesce(sum(shares.cost_share), 0) as cost_share
    from months
    inner join cohorts on months.month >= cohorts.cohort_month
    left join shares
        on months.month = shares.month
        and cohorts.product_category = shares.product_category
        and shares.age > {{ months_between('cohorts.cohort_month', 'months.month') }}
    group by months.month, cohorts.cohort_month, cohorts.product_category
),

came as (
    select
        months.month,
        returns.cohort_month,
        returns.product_category,
        sum(returns.returned_value) filter (
            where returns.age <= {{ months_between('returns.cohort_month', 'months.month') }}
        ) as returned_before,
        sum(returns.returned_value) filter (
            where returns.age > {{ months_between('returns.cohort_month', 'months.month') }}
        ) as returned_since
    from months
    inner join returns on months.month >= returns.cohort_month
    group by months.month, returns.cohort_month, returns.product_category
)

select
    ahead.month, ahead.product_category, ahead.cohort_month,
    {{ months_between('ahead.cohort_month', 'ahead.month') }} as cohort_age,
    cohorts.shipped_value,
    cast(coalesce(came.returned_before, 0) as numeric(18, 2)) as returned_value,
    cast(round(cohorts.shipped_value * ahead.value_share, 2) as numeric(18, 2)) as expected_value,
    cast(round(cohorts.shipped_cost * ahead.cost_share, 2) as numeric(18, 2)) as expected_cost,
    cast(coalesce(came.returned_since, 0) as numeric(18, 2)) as returned_since,
    cast('{{ var("reporting_currency") }}' as text) as currency
from ahead
inner join cohorts
    on ahead.cohort_month = cohorts.cohort_month
    and ahead.product_category = cohorts.product_category
left join came
    on ahead.month = came.month
    and ahead.cohort_month = came.cohort_month
    and ahead.product_category = came.product_category
