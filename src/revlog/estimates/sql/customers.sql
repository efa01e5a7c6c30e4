-- Grain: one row per customer (merges followed) and product category: units whose window and way back have
-- passed by the date, and how many of them had come back by then; and of those the ones of which that was so
-- at the end of the week before. What nobody could have sent back counts nowhere, and neither does what was
-- sent in exchange, which nobody chose to buy.
with settled as (
    select
        survivor_customer_id as customer_id,
        coalesce(product_category, 'UNKNOWN') as product_category,
        shipped_quantity as units,
        least(received_quantity, shipped_quantity) as returned_units,
        coalesce(delivered_on, shipped_on + %(transit_days)s)
        + coalesce(return_window_days, %(unknown_window_days)s) + %(days_to_come_back)s as settled_on
    from core.fct_sales_line
    where is_product and not is_void and not is_exchange_replacement
        and shipped_quantity > 0 and survivor_customer_id <> 'UNKNOWN'
)

select
    customer_id,
    product_category,
    sum(units) as units,
    sum(returned_units) as returned_units,
    coalesce(sum(units) filter (where settled_on <= %(sunday)s), 0) as known_units,
    coalesce(sum(returned_units) filter (where settled_on <= %(sunday)s), 0) as known_returned_units
from settled
where settled_on <= %(as_of)s
group by customer_id, product_category
