{{ config(indexes=[
    {'columns': ['receipt_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['received_on']},
]) }}
-- Grain: one row per receipt of one SKU at a returns dock. A blind receipt counts by product and time,
-- and stands UNATTRIBUTED wherever the sale is needed and not known.

with receipts as (
    select * from {{ ref('int_receipts') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
)

select
    receipts.unit_key,
    receipts.return_line_key,
    receipts.receipt_id,
    receipts.rma_no,
    receipts.rma_line_no,
    receipts.order_no,
    receipts.order_line_no,
    lines.sales_line_key,
    case
        when not receipts.is_blind then 'rma'
        when lines.sales_line_key is not null then 'order_line'
        when receipts.order_no is not null then 'order'
        else 'none'
    end as attribution,
    receipts.is_blind,
    receipts.tracking_no,
    -- what
    receipts.sku,
    {{ is_product('receipts.sku') }} as is_product,
    lines.product_category,
    lines.channel,
    receipts.quantity,
    receipts.lot_no,
    receipts.serial_no,
    receipts.site,
    receipts.weight_g,
    -- timing
    receipts.received_at,
    receipts.received_on,
    -- cost of one unit
    lines.unit_cost,
    lines.cost_currency
from receipts
inner join lines on receipts.return_line_key = lines.return_line_key
