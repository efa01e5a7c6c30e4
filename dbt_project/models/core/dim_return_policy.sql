{{ config(materialized='table', indexes=[
    {'columns': ['policy_key'], 'unique': true},
    {'columns': ['product_category', 'reason', 'valid_from']},
]) }}
-- Grain: one row per policy version (type 2, by the day of the sale), product category and reason. The
-- seed's '*' is resolved here: of the rows that fit, the most specific one holds, a category before a
-- reason, so that a join by equality finds the rule in force.

with policies as (
    select * from {{ ref('return_policies') }}
),

categories as (
    select distinct product_category from {{ ref('dim_product') }}
    where product_category is not null
    union
    select 'UNKNOWN' as product_category
),

reasons as (
    select reason from {{ ref('reasons') }}
),

fitting as (
    select
        policies.*,
        categories.product_category as category,
        reasons.reason as return_reason,
        row_number() over (
            partition by
                policies.policy, policies.valid_from, categories.product_category, reasons.reason
            order by
                case when policies.product_category = '*' then 1 else 0 end,
                case when policies.reason = '*' then 1 else 0 end
        ) as specificity
    from policies
    inner join categories on policies.product_category in ('*', categories.product_category)
    inner join reasons on policies.reason in ('*', reasons.reason)
)

select
    policy || '/' || category || '/' || return_reason as policy_key,
    policy,
    category as product_category,
    return_reason as reason,
    valid_from,
    valid_to,
    -- the item's own window where the policy sets none
    window_days,
    is_window_waived,
    -- what comes back, percent of the units' share of the sale
    merchandise_pct,
    tax_pct,
    shipping_pct,
    duty_pct,
    -- what is kept
    takes_restocking_fee,
    takes_label_fee
from fitting
where specificity = 1
