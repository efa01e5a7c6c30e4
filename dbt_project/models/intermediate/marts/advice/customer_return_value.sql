-- Grain: one row per customer (merges followed) with a sale or a return: what stayed with them and what came back had
-- cost, what the returns cost and what the goods brought again, in the reporting currency. Not published.
{{ config(materialized='table') }}

with survivors as (

    select customer_id, survivor_customer_id
    from {{ ref('dim_customer') }}
    where is_current

),

lines as (

    select
        lines.return_line_key,
        coalesce(survivors.survivor_customer_id, lines.customer_id) as customer_id
    from {{ ref('fct_return_line') }} as lines
    left join survivors on lines.customer_id = survivors.customer_id
    where lines.customer_id is not null

),

amounts as (

    select
        customer_id, cost_of_kept, is_cost_unknown, 0 as cost_of_returned, 0 as return_costs, 0 as recovered_value,
        0 as not_paid_back
    from {{ ref('customer_purchases') }}
    union all
    -- What the returns cost, what the goods that came back were worth again, and what they had cost
    select
        lines.customer_id, null as cost_of_kept, null as is_cost_unknown, balances.asset_cost as cost_of_returned,
        balances.cost as return_costs, balances.recovered as recovered_value, 0 as not_paid_back
    from lines
    left join {{ ref('return_line_balance') }} as balances on lines.return_line_key = balances.return_line_key
    union all
    -- Goods that were repaired or replaced: they came back, and their money did not go
    select
        sales.survivor_customer_id as customer_id, null as cost_of_kept, null as is_cost_unknown, 0 as cost_of_returned,
        0 as return_costs, 0 as recovered_value,
        round(sales.net_reporting * lines.received_quantity / nullif(sales.quantity, 0), 2) as not_paid_back
    from {{ ref('fct_return_line') }} as lines
    inner join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
    where lines.is_counted and lines.received_quantity > 0 and lines.refunded_amount = 0
        and lines.resolution in ('repair', 'replacement')

)

select
    customer_id,
    sum(cost_of_kept) as cost_of_kept,
    -- of a customer who bought nothing that shipped, nobody knows it
    coalesce(bool_or(is_cost_unknown), true) as is_cost_unknown,
    coalesce(sum(cost_of_returned), 0) as cost_of_returned,
    coalesce(sum(return_costs), 0) as return_costs,
    coalesce(sum(recovered_value), 0) as recovered_value,
    coalesce(sum(not_paid_back), 0) as not_paid_back
from amounts
group by customer_id
