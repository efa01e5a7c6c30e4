{{ config(indexes=[{'columns': ['refund_id']}, {'columns': ['return_line_key']}]) }}
-- Grain: one row per refund tender of the touched units, matched to its return line by the request,
-- else by the RMA, else by the receipt that its memo names, else by the order line where only one return line
-- exists.

with candidates as (
    {{ working_set(ref('int_refund_units'), [
        'order_no in ' ~ touched_units(),
        'request_id in (select request_id from ' ~ ref('int_requests') ~ ')',
        'request_id in (' ~ lone_units('REQ:') ~ ')',
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'rma_no in (' ~ lone_units('RMA:') ~ ')',
        'refund_id in (' ~ lone_units('RFD:') ~ ')',
        'receipt_id in (select receipt_id from ' ~ ref('int_receipts') ~ ')',
    ]) }}
),

refunds as (
    select * from candidates where {{ in_touched_units('unit_key') }}
),

by_request as (
    select refunds.refund_id, refunds.tender_no, min(request.return_line_key) as return_line_key
    from refunds
    inner join {{ ref('int_requests') }} as request
        on refunds.unit_key = request.unit_key
        and refunds.request_id = request.request_id
    inner join {{ ref('int_return_line_origins') }} as origin
        on request.return_line_key = origin.return_line_key
        and (refunds.order_line_no is null or refunds.order_line_no = origin.order_line_no)
    group by refunds.refund_id, refunds.tender_no
    having min(request.return_line_key) = max(request.return_line_key)
        or min(refunds.order_line_no) is not null
),

by_rma as (
    select refunds.refund_id, refunds.tender_no, min(rma.return_line_key) as return_line_key
    from refunds
    inner join {{ ref('int_rma_lines') }} as rma
        on refunds.unit_key = rma.unit_key
        and refunds.rma_no = rma.rma_no
    inner join {{ ref('int_return_line_origins') }} as origin
        on rma.return_line_key = origin.return_line_key
        and (refunds.order_line_no is null or refunds.order_line_no = origin.order_line_no)
    group by refunds.refund_id, refunds.tender_no
    having min(rma.return_line_key) = max(rma.return_line_key)
        or min(refunds.order_line_no) is not null
)

select
    refunds.unit_key,
    coalesce(
        by_request.return_line_key, by_rma.return_line_key, by_receipt.return_line_key,
        by_order.return_line_key
    ) as return_line_key,
    case
        when by_request.return_line_key is not null then 'request'
        when by_rma.return_line_key is not null then 'rma'
        when by_receipt.return_line_key is not null then 'receipt'
        when by_order.return_line_key is not null then 'order_line'
        else 'none'
    end as match_rule,
    refunds.refund_id || '-' || refunds.tender_no as refund_tender_key,
    refunds.refund_id,
    refunds.tender_no,
    refunds.request_id,
    refunds.rma_no,
    refunds.order_no,
    refunds.order_line_no,
    refunds.customer_id,
    refunds.amount,
    refunds.currency,
    refunds.tender,
    refunds.is_credit_tender,
    refunds.status,
    refunds.idempotency_key,
    refunds.is_returnless,
    refunds.approved_by,
    refunds.created_at,
    refunds.created_on,
    refunds.updated_at
from refunds
left join by_request
    on refunds.refund_id = by_request.refund_id and refunds.tender_no = by_request.tender_no
left join by_rma on refunds.refund_id = by_rma.refund_id and refunds.tender_no = by_rma.tender_no
left join {{ ref('int_receipts') }} as by_receipt
    on refunds.unit_key = by_receipt.unit_key and refunds.receipt_id = by_receipt.receipt_id
left join {{ ref('int_order_line_returns') }} as by_order
    on refunds.unit_key = by_order.unit_key
    and refunds.order_no = by_order.order_no
    and refunds.order_line_no = by_order.order_line_no
