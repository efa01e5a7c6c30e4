{{ config(indexes=[
    {'columns': ['memo_component_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['posted_on']},
    {'columns': ['memo_no']}, {'columns': ['refund_id']}, {'columns': ['reverses_memo_no']},
]) }}
-- Grain: one row per credit memo line and component.
-- Components add up to the memo; fees are negative.
-- Amounts add up within a currency; reporting amounts are rounded per row and add up over all.

with memos as (
    select * from {{ ref('int_credit_memos') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    memos.unit_key,
    memos.return_line_key,
    memos.memo_component_key,
    memos.memo_no,
    memos.memo_line_no,
    memos.component,
    memos.rma_no,
    memos.rma_line_no,
    memos.order_no,
    memos.order_line_no,
    coalesce(memos.sku, lines.sku, named.sku) as sku,
    {{ is_product('coalesce(memos.sku, lines.sku, named.sku)') }} as is_product,
    memos.refund_id,
    memos.reverses_memo_no,
    memos.match_rule,
    memos.posted_on,
    memos.amount,
    memos.currency,
    {{ to_reporting('memos.amount', 'fx.rate') }} as reporting_amount,
    {{ sale_columns(item='items') }}
from memos
{{ with_sale("memos") }}
left join {{ ref('dim_product') }} as items on memos.sku = items.sku and items.is_current
left join fx
    on memos.currency = fx.currency
    and memos.posted_on >= fx.valid_from
    and memos.posted_on < fx.valid_to
