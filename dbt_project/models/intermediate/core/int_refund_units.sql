{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per refund tender, with the unit it belongs to: its order, its request's, its RMA's, else that of
-- the one receipt (`receipt_id`) for which the memo that names it was written.

with receipts as (
    select memo.refund_id, min(memo.receipt_id) as receipt_id
    from {{ ref('stg_erp__credit_memos') }} as memo
    where memo.refund_id is not null
    group by memo.refund_id
    having min(memo.receipt_id) = max(memo.receipt_id)
)

select
    refund.*,
    receipts.receipt_id,
    coalesce(
        refund.order_no,
        (
            select min(request.unit_key)
            from {{ ref('int_request_units') }} as request
            where request.request_id = refund.request_id
        ),
        (
            select min(rma.unit_key)
            from {{ ref('int_rma_units') }} as rma
            where rma.rma_no = refund.rma_no
        ),
        (
            select min(coalesce(rma.unit_key, receipt.order_no, 'RCV:' || receipt.receipt_id))
            from {{ ref('stg_wms__return_receipts') }} as receipt
            left join {{ ref('int_rma_units') }} as rma on receipt.rma_no = rma.rma_no
            where receipt.receipt_id = receipts.receipt_id
        ),
        'RFD:' || refund.refund_id
    ) as unit_key
from {{ ref('stg_crm__refunds') }} as refund
left join receipts on refund.refund_id = receipts.refund_id
