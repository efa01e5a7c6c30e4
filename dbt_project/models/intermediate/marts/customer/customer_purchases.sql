-- Grain: one row per customer (merges followed) who was shipped goods: what they bought, what of it came back, and what
-- had cost that stayed with them, in the reporting currency at the day of each sale. Not published.
-- Additive over customers: counts, units and amounts.
{{ config(materialized='table') }}

select
    sales.survivor_customer_id as customer_id,
    count(distinct sales.order_no) as orders,
    sum(sales.shipped_quantity) as purchased_units,
    sum(sales.net_reporting) as purchased_value,
    sum(sales.received_quantity) as returned_units,
    sum(round(sales.net_reporting * sales.received_quantity / nullif(sales.quantity, 0), 2)) as returned_value,
    min(sales.ordered_on) as first_ordered_on,
    max(sales.ordered_on) as last_ordered_on,
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
where sales.is_product and not sales.is_void and sales.shipped_quantity > 0 and sales.survivor_customer_id <> 'UNKNOWN'
group by sales.survivor_customer_id
