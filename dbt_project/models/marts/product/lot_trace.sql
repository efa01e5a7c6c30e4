-- Grain: one row per SKU and lot: for a recall, how many units were sold, came back, lie in stock, left for
-- good, and are still out there. Additive: units. shipped = returned + unaccounted; returned units that name
-- a lot but no sale are beside it, in unattributed_quantity.
{{ config(materialized='table', indexes=[{'columns': ['lot_no']}]) }}

with shipped as (

    select
        sku,
        lot_no,
        max(product_category) as product_category,
        min(month) as first_shipped_month,
        max(month) as last_shipped_month,
        sum(shipped_quantity) as shipped_quantity,
        sum(returned_quantity) as returned_quantity
    from {{ ref('lot_cohorts') }}
    where lot_no <> 'NONE'
    group by sku, lot_no

),

-- The lot of a receipt: that of its sale; read from the goods where the sale is not known
receipts as (

    select
        receipts.receipt_id,
        receipts.quantity,
        receipts.sales_line_key is not null as is_attributed,
        coalesce(sales.sku, receipts.sku) as sku,
        coalesce(sales.lot_no, receipts.lot_no) as lot_no
    from {{ ref('fct_receipt') }} as receipts
    left join {{ ref('fct_sales_line') }} as sales
        on receipts.sales_line_key = sales.sales_line_key
    where receipts.is_product

),

gone as (

    select
        receipt_id,
        sum(net_quantity) filter (where disposition = 'RESTOCK') as restocked,
        sum(net_quantity) filter (where disposition = 'RETURN_TO_CUSTOMER') as sent_back,
        sum(net_quantity) filter (where disposition not in ('RESTOCK', 'RETURN_TO_CUSTOMER'))
            as disposed
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0
    group by receipt_id

),

returned as (

    select
        receipts.sku,
        receipts.lot_no,
        sum(receipts.quantity) filter (where not receipts.is_attributed) as unattributed_quantity,
        sum(
            receipts.quantity - coalesce(gone.restocked, 0) - coalesce(gone.sent_back, 0)
            - coalesce(gone.disposed, 0)
        ) as in_process_quantity,
        coalesce(sum(gone.restocked), 0) as restocked_quantity,
        coalesce(sum(gone.sent_back), 0) as sent_back_quantity,
        coalesce(sum(gone.disposed), 0) as disposed_quantity
    from receipts
    left join gone on receipts.receipt_id = gone.receipt_id
    where receipts.lot_no is not null
    group by receipts.sku, receipts.lot_no

)

select
    coalesce(shipped.sku, returned.sku) as sku,
    coalesce(shipped.lot_no, returned.lot_no) as lot_no,
    {{ product_name('coalesce(shipped.sku, returned.sku)') }} as product_name,
    shipped.product_category,
    shipped.first_shipped_month,
    shipped.last_shipped_month,
    cast(coalesce(shipped.shipped_quantity, 0) as bigint) as shipped_quantity,
    cast(coalesce(shipped.returned_quantity, 0) as bigint) as returned_quantity,
    cast(
        coalesce(shipped.shipped_quantity, 0) - coalesce(shipped.returned_quantity, 0) as bigint
    ) as unaccounted_quantity,
    cast(coalesce(returned.unattributed_quantity, 0) as bigint) as unattributed_quantity,
    cast(coalesce(returned.in_process_quantity, 0) as bigint) as in_process_quantity,
    cast(coalesce(returned.restocked_quantity, 0) as bigint) as restocked_quantity,
    cast(coalesce(returned.sent_back_quantity, 0) as bigint) as sent_back_quantity,
    cast(coalesce(returned.disposed_quantity, 0) as bigint) as disposed_quantity
from shipped
full join returned on shipped.sku = returned.sku and shipped.lot_no = returned.lot_no
