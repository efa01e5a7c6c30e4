-- Grain: one row per month of shipping, month of return and product category: units that came back, or were
-- refunded without, for money or credit. Additive: everything, valued as the sale was. What goods make good is no
-- refund: a replacement or repair is owed as such, an exchange is one from the day on which the goods were sent, which
-- takes its units away again; warranty is a provision of its own. Not published.
{{ config(materialized='table') }}

with sales as (

    select * from {{ ref('fct_sales_line') }}
    where is_product and is_returnable and shipped_quantity > 0 and not is_exchange_replacement

),

lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted and is_attributed
        and not {{ is_owed_in_goods() }}
        and reason <> 'WARRANTY'

),

returns as (

    select
        lines.sales_line_key,
        receipts.received_on as returned_on,
        receipts.quantity
    from lines
    inner join {{ ref('fct_receipt') }} as receipts
        on lines.return_line_key = receipts.return_line_key
    where not lines.is_returnless
    union all
    select
        sales_line_key,
        {{ business_day('first_refunded_at') }} as returned_on,
        requested_quantity as quantity
    from lines
    where is_returnless and first_refunded_at is not null
    union all
    select
        lines.sales_line_key,
        replaced.accepted_on as returned_on,
        -replaced.replaced_quantity as quantity
    from lines
    inner join {{ ref('fct_refund_entitlement') }} as replaced
        on lines.return_line_key = replaced.return_line_key
    where replaced.replaced_quantity <> 0

),

fx as (

    select * from {{ ref('dim_exchange_rate') }}

)

select
    cast(date_trunc('month', sales.shipped_on) as date) as cohort_month,
    -- what comes back before the month of its shipping has come to the books with it
    cast(date_trunc('month', greatest(returns.returned_on, sales.shipped_on)) as date) as return_month,
    sales.product_category,
    cast(sum(returns.quantity) as bigint) as returned_units,
    cast(sum(round(sales.net_reporting * returns.quantity / sales.quantity, 2)) as numeric(18, 2))
        as returned_value,
    cast(coalesce(sum(round(returns.quantity * sales.unit_cost * fx.rate, 2)), 0) as numeric(18, 2))
        as returned_cost
from returns
inner join sales on returns.sales_line_key = sales.sales_line_key
left join fx
    on sales.cost_currency = fx.currency
    and sales.ordered_on >= fx.valid_from and sales.ordered_on < fx.valid_to
group by
    cast(date_trunc('month', sales.shipped_on) as date),
    cast(date_trunc('month', greatest(returns.returned_on, sales.shipped_on)) as date),
    sales.product_category
