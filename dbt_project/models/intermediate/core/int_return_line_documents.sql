{{ config(indexes=[{'columns': ['return_line_key'], 'unique': true}]) }}
-- Grain: one row per return line of the touched units: a request line, an RMA line without a request, or a
-- blind receipt; with what these documents say of it. `stated_order_line_no` is the order line that they
-- name, null where none does.

with requests as (
    select * from {{ ref('int_requests') }}
),

-- The RMA that stands for the line: the first that is not void
rmas as (
    select
        *,
        row_number() over (
            partition by return_line_key
            order by case when is_void then 1 else 0 end, authorized_at, rma_no, rma_line_no
        ) as rank_of_rma
    from {{ ref('int_rma_lines') }}
),

receipts as (
    select
        *,
        row_number() over (partition by return_line_key order by received_at, receipt_id)
            as rank_of_receipt
    from {{ ref('int_receipts') }}
),

keys as (
    select unit_key, return_line_key from requests
    union
    select unit_key, return_line_key from rmas
    union
    select unit_key, return_line_key from receipts
)

select
    keys.unit_key,
    keys.return_line_key,
    coalesce(requests.request_id, rmas.request_id) as request_id,
    requests.request_line,
    requests.request_id is not null as has_request,
    rmas.rma_no,
    rmas.rma_line_no,
    coalesce(rmas.tracking_no, receipts.tracking_no) as tracking_no,
    receipts.receipt_id as first_receipt_id,
    coalesce(receipts.is_blind, false) as is_blind,
    coalesce(requests.order_no, rmas.order_no, receipts.order_no) as order_no,
    coalesce(requests.order_line_no, rmas.order_line_no, receipts.order_line_no)
        as stated_order_line_no,
    coalesce(requests.customer_id, rmas.customer_id, receipts.customer_id) as customer_id,
    -- what was asked for, before what came
    coalesce(requests.sku, rmas.sku, receipts.sku) as claimed_sku,
    coalesce(receipts.sku, rmas.sku, requests.sku) as returned_sku,
    coalesce(rmas.quantity_authorized, requests.quantity, receipts.quantity) as claimed_quantity,
    coalesce(requests.requested_at, rmas.authorized_at, receipts.received_at) as claimed_at,
    coalesce(rmas.is_void, requests.decision in ('DECLINED', 'CANCELLED'), false)
        and receipts.receipt_id is null as is_dead,
    coalesce(receipts.site, 'NOT_RECEIVED') as site,
    -- the ERP's word before the customer's; UNKNOWN only where neither gives one
    coalesce(nullif(rmas.reason, 'UNKNOWN'), requests.reason, 'UNKNOWN') as reason,
    coalesce(rmas.resolution, requests.desired_resolution, 'unknown') as resolution
from keys
left join requests on keys.return_line_key = requests.return_line_key
left join rmas on keys.return_line_key = rmas.return_line_key and rmas.rank_of_rma = 1
left join receipts
    on keys.return_line_key = receipts.return_line_key and receipts.rank_of_receipt = 1
