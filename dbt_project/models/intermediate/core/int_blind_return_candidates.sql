{{ config(indexes=[{'columns': ['return_line_key']}]) }}
-- Grain: one row per blind return of the touched units and sales line that it may go back to: the customer's,
-- of the SKU, shipped before, in the currency credited. `price_distance` is how far the units at the sale's
-- price are from what was credited for them. `place` numbers the customer's sales of the SKU.

with named as (
    select documents.order_no, origins.order_line_no, sum(documents.claimed_quantity) as quantity
    from {{ ref('int_return_line_documents') }} as documents
    inner join {{ ref('int_return_line_origins') }} as origins
        on documents.return_line_key = origins.return_line_key
    where documents.order_no is not null and origins.order_line_no is not null and not documents.is_dead
    group by documents.order_no, origins.order_line_no
),

-- What returns that name the line leave of it, whenever they came: theirs is known, the others' is not
sales as (
    select
        sale.*,
        sale.quantity - coalesce(named.quantity, 0) as spare_quantity,
        row_number() over (
            partition by sale.customer_id, sale.sku order by sale.shipped_at, sale.order_no, sale.line_no
        ) as place
    from {{ ref('int_sales_lines') }} as sale
    left join named on sale.order_no = named.order_no and sale.line_no = named.order_line_no
    where not sale.is_void and sale.quantity > 0
),

candidates as (
    select
        blind.return_line_key,
        sales.place,
        sales.order_no,
        sales.line_no,
        sales.shipped_at,
        sales.spare_quantity,
        abs(
            blind.credited_amount
            - round(sales.net_amount * blind.credited_quantity / sales.quantity, 2)
        ) as price_distance
    from {{ ref('int_blind_returns') }} as blind
    inner join sales
        on blind.customer_id = sales.customer_id
        and blind.sku = sales.sku
        and blind.claimed_at >= sales.shipped_at
        and (blind.currency is null or blind.currency = sales.currency)
)

select
    *,
    row_number() over (
        partition by return_line_key order by price_distance asc, shipped_at desc, order_no asc, line_no asc
    ) as rank_of_sale
from candidates
