{{ config(indexes=[
    {'columns': ['refund_tender_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['created_on']},
    {'columns': ['refund_id']}, {'columns': ['idempotency_key']},
]) }}
-- Grain: one row per refund and tender, as customer service issued it.
-- failed and canceled count 0 in every KPI.
-- Amounts add up within a currency; reporting amounts are rounded per row and add up over all.

with refunds as (
    select * from {{ ref('int_refunds') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    refunds.unit_key,
    refunds.return_line_key,
    refunds.refund_tender_key,
    refunds.refund_id,
    refunds.tender_no,
    refunds.request_id,
    refunds.rma_no,
    refunds.order_no,
    refunds.order_line_no,
    -- the refund's own, its return's, or whoever ordered
    coalesce(
        refunds.customer_id,
        lines.customer_id,
        (
            select min(sales.customer_id) from {{ ref('int_sales_lines') }} as sales
            where sales.unit_key = refunds.unit_key and sales.order_no = refunds.order_no
        )
    ) as customer_id,
    refunds.idempotency_key,
    refunds.match_rule,
    refunds.tender,
    refunds.is_credit_tender,
    refunds.status,
    refunds.is_returnless,
    refunds.approved_by,
    refunds.created_at,
    refunds.created_on,
    refunds.updated_at,
    refunds.amount,
    refunds.currency,
    {{ to_reporting('refunds.amount', 'fx.rate') }} as reporting_amount,
    {{ sale_columns() }}
from refunds
{{ with_sale("refunds") }}
left join fx
    on refunds.currency = fx.currency
    and refunds.created_on >= fx.valid_from
    and refunds.created_on < fx.valid_to
