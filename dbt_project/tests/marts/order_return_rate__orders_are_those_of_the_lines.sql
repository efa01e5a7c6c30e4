-- An order has come back where, and only where, one of its shipped lines has.
{{ config(meta={'failure_means': 'Product returns and order returns count different things: an order without a returned line, or the other way round.'}) }}
with lines as (

    select unit_key, max(case when returned_units > 0 then 1 else 0 end) as returned_orders
    from {{ ref('kpi_of_sales_lines') }}
    where shipped_units > 0 and {{ touched_only() }}
    group by unit_key

),

orders as (

    select unit_key, returned_orders
    from {{ ref('kpi_of_orders') }}
    where {{ touched_only() }}

)

select
    coalesce(lines.unit_key, orders.unit_key) as unit_key,
    lines.returned_orders as by_lines,
    orders.returned_orders as by_orders
from lines
full join orders on lines.unit_key = orders.unit_key
where lines.returned_orders is distinct from orders.returned_orders
