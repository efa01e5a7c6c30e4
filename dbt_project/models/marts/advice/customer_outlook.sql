-- Grain: one row per customer (keyed hash, merges followed): what their purchases brought once everything that
-- came back is counted, and how likely they send the next unit back. Amounts in the reporting currency, at the
-- day of each sale, return or cost. Additive over customers: units and amounts, but for what is null because
-- nobody knows it.
{{ config(materialized='table', indexes=[{'columns': ['is_above_peers']}]) }}

with customers as (

    select * from {{ ref('customer_overview') }}

),

amounts as (

    select * from {{ ref('customer_return_value') }}

),

-- What was refunded of goods that stayed with the customer
left_with_them as (

    select customer_id, kept_refunded_net from {{ ref('returnless_customers') }}

),

-- Whether anything tells what returns cost, and what they brought
told as (

    select
        bool_or(completeness <> 'lacking') filter (where kpi = 'cost_per_return') as tells_costs,
        bool_or(completeness <> 'lacking') filter (where kpi = 'value_recovery_rate') as tells_recovery
    from {{ ref('kpi_completeness') }}

),

expected as (

    select * from {{ source('estimates', 'customer_propensity') }}

)

select
    customers.customer_id,
    customers.segment,
    customers.country,
    customers.orders,
    customers.purchased_units,
    customers.purchased_value,
    customers.returned_value,
    cast(coalesce(left_with_them.kept_refunded_net, 0) as numeric(18, 2)) as kept_refunded,
    cast(coalesce(amounts.not_paid_back, 0) as numeric(18, 2)) as not_paid_back,
    case when told.tells_costs then cast(coalesce(amounts.return_costs, 0) as numeric(18, 2)) end as return_costs,
    case when told.tells_recovery then cast(coalesce(amounts.recovered_value, 0) as numeric(18, 2)) end
        as recovered_value,
    case when not amounts.is_cost_unknown then cast(amounts.cost_of_kept as numeric(18, 2)) end as cost_of_kept,
    case when told.tells_recovery then cast(coalesce(amounts.cost_of_returned, 0) as numeric(18, 2)) end
        as cost_of_returned,
    case when told.tells_costs and told.tells_recovery and not amounts.is_cost_unknown then cast(
        customers.purchased_value - customers.returned_value + amounts.not_paid_back
        - coalesce(left_with_them.kept_refunded_net, 0)
        - amounts.cost_of_kept - amounts.cost_of_returned + amounts.recovered_value - amounts.return_costs
        as numeric(18, 2)
    ) end as lifetime_value,
    customers.currency,
    -- how likely a unit comes back
    cast(expected.units as bigint) as judged_units,
    cast(expected.returned_units as bigint) as judged_returned_units,
    cast(expected.expected_units as numeric(18, 4)) as expected_returned_units,
    cast(expected.propensity as numeric(12, 6)) as return_propensity,
    cast(expected.propensity_low_95 as numeric(12, 6)) as propensity_low_95,
    cast(expected.propensity_high_95 as numeric(12, 6)) as propensity_high_95,
    cast(expected.q_value as numeric(12, 6)) as q_value,
    coalesce(expected.q_value <= {{ var('false_discoveries', 0.05) }}, false) as is_above_peers
from customers
cross join told
left join amounts on customers.customer_id = amounts.customer_id
left join left_with_them on customers.customer_id = left_with_them.customer_id
left join expected on customers.customer_id = expected.customer_id
