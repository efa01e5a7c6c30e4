-- Orders by SKU, lot and week of shipping: what could come back. An order is one, however many units it has of a SKU:
-- they come back together. Weeks are counted from Monday 1970-01-05.
with orders as (

    select
        order_no,
        sku,
        coalesce(lot_no, '') as lot_no,
        coalesce(style, '') as style,
        coalesce(size, '') as size,
        coalesce(vendor_id, '') as vendor_id,
        coalesce(product_category, 'UNKNOWN') as product_category,
        (shipped_on - date '1970-01-05') / 7 as week,
        sum(shipped_quantity) as units
    from core.fct_sales_line
    where is_product and shipped_quantity > 0
        and shipped_on >= %(since)s and shipped_on <= %(as_of)s
    group by order_no, sku, lot_no, style, size, vendor_id, coalesce(product_category, 'UNKNOWN'), week

)

select
    sku, lot_no, style, size, vendor_id, product_category, week,
    count(*) as orders,
    cast(sum(units) as bigint) as units
from orders
where sku is not null
group by sku, lot_no, style, size, vendor_id, product_category, week
