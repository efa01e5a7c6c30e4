-- Grain: one row per customer and signal, with its evidence in words and how many of the customer's returns
-- have a signal of their own. Something to look at, never a verdict. Not additive.
{{ config(materialized='table', indexes=[{'columns': ['signal']}]) }}

with customers as (
    select * from {{ ref('customer_overview') }}
),

-- Customers of one segment with returns of their own are peers
peers as (
    select
        coalesce(segment, 'UNKNOWN') as segment,
        sum(returned_value) / nullif(count(*), 0) as mean_returned_value,
        count(*) as customers
    from customers
    where returned_value > 0
    group by coalesce(segment, 'UNKNOWN')
),

claims as (
    select customer_id, opened_on, topic = 'never_arrived' as is_claim, case_id
    from {{ ref('fct_case') }} where customer_id is not null and order_no is not null
),

-- Cases about orders in the order of time: how many claims stand in a row at the end of each run
runs as (
    select
        *,
        row_number() over (partition by customer_id order by opened_on, case_id)
        - row_number() over (partition by customer_id, is_claim order by opened_on, case_id) as run
    from claims
),

in_a_row as (
    select customer_id, count(*) as claims, min(opened_on) as first_on, max(opened_on) as last_on
    from runs
    where is_claim
    group by customer_id, run
    having count(*) >= 2
),

longest as (
    select
        *,
        row_number() over (partition by customer_id order by claims desc, last_on desc) as rank
    from in_a_row
),

by_line as (
    select customer_id, count(distinct return_line_key) as flagged_returns
    from {{ ref('return_signals') }}
    where customer_id is not null
    group by customer_id
),

found as (
    select
        customer_id, 'NEVER_ARRIVED_IN_A_ROW' as signal,
        claims || ' claims in a row, ' || first_on || ' to ' || last_on as evidence
    from longest
    where rank = 1
    union all
    select
        customers.customer_id, 'RETURN_VALUE_ABOVE_PEERS' as signal,
        'returned ' || customers.returned_value || ' ' || customers.currency || ', '
        || round(customers.returned_value / peers.mean_returned_value, 1) || ' times the mean of '
        || peers.customers || ' peers in segment ' || peers.segment as evidence
    from customers
    inner join peers on coalesce(customers.segment, 'UNKNOWN') = peers.segment
    where customers.returned_value > {{ var('peers_factor', 1.2) }} * peers.mean_returned_value
    union all
    -- above the mean of the peers is whoever buys much; this is more than what was bought explains
    select
        customer_id, 'RETURNS_ABOVE_PEERS' as signal,
        returned_units || ' of ' || units || ' units came back, '
        || round(cast(expected_units as numeric), 1) || ' expected of what was bought' as evidence
    from {{ source('estimates', 'customer_propensity') }}
    where q_value <= {{ var('false_discoveries', 0.05) }}
    union all
    select
        by_line.customer_id, 'SEVERAL_FLAGGED_RETURNS' as signal,
        by_line.flagged_returns || ' returns with a signal of their own' as evidence
    from by_line
    where by_line.flagged_returns >= 2
)

select
    found.customer_id,
    found.signal,
    found.evidence,
    customers.segment,
    customers.orders,
    customers.return_lines,
    customers.returned_value,
    customers.currency,
    coalesce(by_line.flagged_returns, 0) as flagged_returns
from found
left join customers on found.customer_id = customers.customer_id
left join by_line on found.customer_id = by_line.customer_id
