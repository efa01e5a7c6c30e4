-- Grain: one row per month end and product category: refund liability and right-of-return asset (IFRS 15
-- B20-B27, ASC 606-10-55-22 to 29) with the roll-forward from the month before, and the back-test of the
-- estimate. Additive over categories within a month, never over months.
--     closing = opening + accrued on the month's sales - returns of the month + re-estimated
{{ config(materialized='table') }}

-- What each cohort was thought to return in all, and how that thought moved
with thought as (
    select
        *,
        returned_value + expected_value as in_all,
        lag(returned_value + expected_value) over by_cohort as in_all_before,
        lag(returned_value) over by_cohort as returned_before,
        lag(expected_value) over by_cohort as expected_before
    from {{ ref('refund_liability_cohorts') }}
    window by_cohort as (partition by product_category, cohort_month order by month)
),

months as (
    select
        month,
        product_category,
        sum(shipped_value) filter (where cohort_age = 0) as shipped_value,
        coalesce(sum(expected_before), 0) as opening_value,
        coalesce(sum(in_all) filter (where cohort_age = 0), 0) as accrued_value,
        sum(returned_value - coalesce(returned_before, 0)) as used_value,
        coalesce(sum(in_all - in_all_before) filter (where cohort_age > 0), 0) as re_estimated_value,
        sum(expected_value) as closing_value,
        sum(expected_cost) as expected_cost,
        sum(returned_since) as returned_since
    from thought
    group by month, product_category
),

-- What a returned unit's cost brings back, and what getting it back costs, as known by the month end
disposed as (
    select
        cast(date_trunc('month', disposed_on) as date) as month,
        product_category,
        sum(asset_cost_reporting) as cost
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0
    group by cast(date_trunc('month', disposed_on) as date), product_category
),

recovered as (
    select
        cast(date_trunc('month', recovered_on) as date) as month,
        product_category,
        sum(recovered_reporting) as amount
    from {{ ref('fct_recovery') }}
    group by cast(date_trunc('month', recovered_on) as date), product_category
),

-- In one pass from month to month, with a row for each month that is asked for
flows as (
    select month, product_category, cost, null as amount from disposed
    union all
    select month, product_category, null as cost, amount from recovered
    union all
    select month, product_category, null as cost, null as amount from months
),

recovery_shares as (
    select
        month,
        product_category,
        least(sum(sum(amount)) over up_to_now / nullif(sum(sum(cost)) over up_to_now, 0), 1) as share
    from flows
    group by month, product_category
    window up_to_now as (partition by product_category order by month)
)

select
    months.month,
    months.product_category,
    cast(coalesce(months.shipped_value, 0) as numeric(18, 2)) as shipped_value,
    cast(coalesce(months.shipped_value, 0) - months.accrued_value as numeric(18, 2)) as revenue,
    -- roll-forward of the liability
    cast(months.opening_value as numeric(18, 2)) as opening_value,
    cast(months.accrued_value as numeric(18, 2)) as accrued_value,
    cast(months.used_value as numeric(18, 2)) as used_value,
    cast(months.re_estimated_value as numeric(18, 2)) as re_estimated_value,
    cast(months.closing_value as numeric(18, 2)) as refund_liability,
    -- asset: the cost of what is expected back, less what experience says is lost on it
    cast(months.expected_cost as numeric(18, 2)) as expected_cost,
    cast(round(coalesce(recovery_shares.share, 1), 6) as numeric(9, 6)) as recovery_share,
    cast(round(months.expected_cost * coalesce(recovery_shares.share, 1), 2) as numeric(18, 2))
        as right_of_return_asset,
    -- back-test: what came since, of what was expected then
    cast(months.returned_since as numeric(18, 2)) as returned_since,
    cast(months.closing_value - months.returned_since as numeric(18, 2)) as not_come_yet_or_overestimated,
    {{ months_between('months.month', as_of_date()) }} >= {{ var('accrual_settled_months', 4) }}
        as is_back_test_settled,
    cast('{{ var("reporting_currency") }}' as text) as currency
from months
left join recovery_shares
    on months.month = recovery_shares.month
    and months.product_category = recovery_shares.product_category
