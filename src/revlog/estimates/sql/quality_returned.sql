-- Of these orders, those of which something was sent back: by what for, and the day (of 1970) on which that was first
-- told. What is the vendor's fault counts once more, whichever reason it had.
with returns as (

    select
        sales.order_no,
        sales.sku,
        coalesce(sales.lot_no, '') as lot_no,
        coalesce(sales.style, '') as style,
        coalesce(sales.size, '') as size,
        coalesce(sales.vendor_id, '') as vendor_id,
        coalesce(sales.product_category, 'UNKNOWN') as product_category,
        (sales.shipped_on - date '1970-01-05') / 7 as week,
        lines.reason,
        lines.fault_party,
        lines.basis_on - date '1970-01-01' as day
    from core.fct_return_line as lines
    inner join core.fct_sales_line as sales on lines.sales_line_key = sales.sales_line_key
    where lines.is_counted and lines.basis_on <= %(as_of)s
        and sales.is_product and sales.shipped_quantity > 0 and sales.sku is not null
        and sales.shipped_on >= %(since)s and sales.shipped_on <= %(as_of)s

),

told as (

    select *, reason as outcome from returns
    union all
    select *, 'VENDOR_FAULT' as outcome from returns where fault_party = 'vendor'

),

orders as (

    select
        order_no, sku, lot_no, style, size, vendor_id, product_category, week, outcome,
        min(day) as day
    from told
    group by order_no, sku, lot_no, style, size, vendor_id, product_category, week, outcome

)

select
    sku, lot_no, style, size, vendor_id, product_category, week, outcome, day,
    count(*) as orders
from orders
group by sku, lot_no, style, size, vendor_id, product_category, week, outcome, day
