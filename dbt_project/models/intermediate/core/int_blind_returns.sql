{{ config(indexes=[
    {'columns': ['return_line_key'], 'unique': true}, {'columns': ['customer_id', 'sku', 'turn']},
]) }}
-- Grain: one row per return line of the touched units that names no order, and whose customer and product are
-- known. `turn` is its place among those of the customer and SKU, oldest first; `credited_amount` is what the
-- memos of its receipts gave for the `credited_quantity` of them, null where they don't tell.

with receipts as (
    select return_line_key, receipt_id, quantity from {{ ref('int_receipts') }}
    where order_no is null
),

goods_credited as (
    select receipt_id, currency, sum(amount) as amount
    from {{ ref('stg_erp__credit_memos') }}
    where component = 'merchandise' and receipt_id in (select receipt_id from receipts)
    group by receipt_id, currency
),

credits as (
    select
        receipts.return_line_key,
        min(goods_credited.currency) as currency,
        sum(goods_credited.amount) as amount,
        sum(receipts.quantity) as quantity
    from receipts
    inner join goods_credited on receipts.receipt_id = goods_credited.receipt_id
    group by receipts.return_line_key
    having min(goods_credited.currency) = max(goods_credited.currency) and sum(goods_credited.amount) > 0
)

select
    documents.unit_key,
    documents.return_line_key,
    documents.customer_id,
    documents.claimed_sku as sku,
    documents.claimed_at,
    documents.claimed_quantity as quantity,
    case when documents.is_dead then 0 else documents.claimed_quantity end as taken_quantity,
    credits.currency,
    credits.amount as credited_amount,
    credits.quantity as credited_quantity,
    row_number() over (
        partition by documents.customer_id, documents.claimed_sku
        order by documents.claimed_at, documents.return_line_key
    ) as turn
from {{ ref('int_return_line_documents') }} as documents
left join credits on documents.return_line_key = credits.return_line_key
where documents.order_no is null
    and documents.customer_id is not null
    and documents.claimed_sku is not null
    and documents.claimed_quantity > 0
    and {{ is_product('documents.claimed_sku') }}
