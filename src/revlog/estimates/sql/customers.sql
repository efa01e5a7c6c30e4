-- Grain: one row per customer (merges followed) and product category: units whose window and way back have
-- passed by the date, and how many of them had come back by then. What nobody could have sent back counts
-- nowhere, and neither does what was sent in exchange, which nobody chose to buy.
select
    survivor_customer_id as customer_id,
    coalesce(product_category, 'UNKNOWN') as product_category,
    sum(shipped_quantity) as units,
    sum(least(received_quantity, shipped_quantity)) as returned_units
from core.fct_sales_line
where is_product and not is_void and not is_exchange_replacement
    and shipped_quantity > 0 and survivor_customer_id <> 'UNKNOWN'
    and coalesce(delivered_on, shipped_on + %(transit_days)s)
    + coalesce(return_window_days, %(unknown_window_days)s) + %(days_to_come_back)s <= %(as_of)s
group by survivor_customer_id, coalesce(product_category, 'UNKNOWN')
