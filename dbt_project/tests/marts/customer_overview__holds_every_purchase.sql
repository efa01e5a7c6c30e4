-- Units and value of all sales to known customers are in the overview.
{{ config(meta={'failure_means': 'Purchases or returns of known customers are lost or doubled between core and the overview.'}) }}
with mart as (

    select sum(purchased_units) as units, sum(purchased_value) as amount, sum(returned_units) as returned
    from {{ ref('customer_overview') }}

),

core as (

    select
        coalesce(sum(shipped_quantity), 0) as units,
        coalesce(sum(net_reporting), 0) as amount,
        coalesce(sum(received_quantity), 0)
        + (
            select coalesce(sum(receipts.quantity), 0)
            from {{ ref('fct_receipt') }} as receipts
            inner join {{ ref('fct_return_line') }} as lines
                on receipts.return_line_key = lines.return_line_key
            left join {{ ref('fct_sales_line') }} as sales
                on receipts.sales_line_key = sales.sales_line_key
            where receipts.is_product and lines.customer_id is not null
                and coalesce(sales.shipped_quantity, 0) = 0
        ) as returned
    from {{ ref('fct_sales_line') }}
    where is_product and not is_void and shipped_quantity > 0 and survivor_customer_id <> 'UNKNOWN'

)

select mart.*, core.units as core_units, core.amount as core_amount, core.returned as core_returned
from mart
cross join core
where coalesce(mart.units, 0) <> core.units or coalesce(mart.amount, 0) <> core.amount
    -- null where the overview doesn't know them
    or mart.returned <> core.returned
