-- Grain: one row per customer (merges followed) with a sale or a return: what stayed with them and what came back had
-- cost, what the returns cost and what the goods brought again, in the reporting currency. Not published.
{{ config(materialized='table') }}

with kept as (

    select
        sales.survivor_customer_id as customer_id,
        bool_or(sales.unit_cost is null) as is_cost_unknown,
        sum({{ to_reporting(
            '(sales.shipped_quantity - least(sales.received_quantity, sales.shipped_quantity)) * sales.unit_cost',
            'fx.rate'
        ) }}) as cost_of_kept
    from {{ ref('fct_sales_line') }} as sales
    left join {{ ref('dim_exchange_rate') }} as fx
        on sales.cost_currency = fx.currency
        and sales.shipped_on >= fx.valid_from
        and sales.shipped_on < fx.valid_to
    where sales.is_product and not sales.is_void and sales.shipped_quantity > 0
    group by sales.survivor_customer_id

),

survivors as (

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

-- What the returns cost, what the goods that came back were worth again, and what they had cost
balances as (

    select
        lines.customer_id,
        sum(balances.cost) as return_costs,
        sum(balances.recovered) as recovered_value,
        sum(balances.asset_cost) as cost_of_returned
    from {{ ref('return_line_balance') }} as balances
    inner join lines on balances.return_line_key = lines.return_line_key
    group by lines.customer_id

),

-- Goods that were repaired or replaced: they came back, and their money did not go
not_paid_back as (

    select
        sales.survivor_customer_id as customer_id,
        sum(round(sales.net_reporting * lines.received_quantity / nullif(sales.quantity, 0), 2)) as amount
    from {{ ref('fct_return_line') }} as lines
    inner join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
    where lines.is_counted and lines.received_quantity > 0 and lines.refunded_amount = 0
        and lines.resolution in ('repair', 'replacement')
    group by sales.survivor_customer_id

),

keys as (

    select customer_id from kept
    union
    select customer_id from lines

)

select
    keys.customer_id,
    kept.cost_of_kept,
    coalesce(kept.is_cost_unknown, true) as is_cost_unknown,
    coalesce(balances.cost_of_returned, 0) as cost_of_returned,
    coalesce(balances.return_costs, 0) as return_costs,
    coalesce(balances.recovered_value, 0) as recovered_value,
    coalesce(not_paid_back.amount, 0) as not_paid_back
from keys
left join kept on keys.customer_id = kept.customer_id
left join balances on keys.customer_id = balances.customer_id
left join not_paid_back on keys.customer_id = not_paid_back.customer_id
