{{ config(indexes=[{'columns': ['return_line_key'], 'unique': true}]) }}
-- Grain: one row per return line of the touched units: quantities and times of each milestone, before
-- any judgement about its status.

with lines as (
    select * from {{ ref('int_return_lines') }}
),

requests as (
    select * from {{ ref('int_requests') }}
),

rmas as (
    select
        return_line_key,
        count(*) as rma_lines,
        count(*) filter (where not is_void) as live_rma_lines,
        sum(quantity_authorized) as authorized_quantity,
        sum(quantity_authorized) filter (where not is_void) as live_authorized_quantity,
        min(authorized_at) as authorized_at,
        min(authorized_at) filter (where not is_void) as live_authorized_at,
        max(expires_at) filter (where not is_void) as expires_at,
        -- a line that never expires keeps the others open
        bool_or(expires_at is null) filter (where not is_void) as has_open_end,
        max(updated_at) filter (where is_void) as voided_at,
        -- settled otherwise than in money, by the word of the system that authorized it
        bool_and({{ is_closed_in_kind('source_status', 'resolution') }}) filter (where not is_void)
            as is_closed_in_kind,
        max(updated_at) filter (where not is_void) as live_updated_at,
        min(label_first_used_at) as first_scan_at,
        min(delivered_at) as delivered_at
    from {{ ref('int_rma_lines') }}
    group by return_line_key
),

inspected_receipts as (
    select
        receipt_id,
        min(inspected_at) as first_inspected_at,
        max(inspected_at) as last_inspected_at
    from {{ ref('int_inspections') }}
    group by receipt_id
),

receipts as (
    select
        receipt.return_line_key,
        sum(receipt.quantity) as received_quantity,
        min(receipt.received_at) as first_received_at,
        max(receipt.received_at) as last_received_at,
        min(receipt.first_scan_at) as first_scan_at,
        min(receipt.delivered_at) as delivered_at,
        coalesce(
            sum(receipt.quantity) filter (where inspected_receipts.receipt_id is not null), 0
        ) as inspected_quantity,
        min(inspected_receipts.first_inspected_at) as first_inspected_at,
        max(inspected_receipts.last_inspected_at) as last_inspected_at
    from {{ ref('int_receipts') }} as receipt
    left join inspected_receipts on receipt.receipt_id = inspected_receipts.receipt_id
    group by receipt.return_line_key
),

dispositions as (
    select
        return_line_key,
        coalesce(sum(net_quantity) filter (where is_final), 0) as disposed_quantity,
        coalesce(sum(net_quantity) filter (where not is_final), 0) as processed_quantity,
        min(disposed_at) filter (where is_final and net_quantity > 0) as first_disposed_at,
        max(disposed_at) filter (where is_final and net_quantity > 0) as last_disposed_at
    from {{ ref('int_dispositions') }}
    where return_line_key is not null
    group by return_line_key
),

refunds as (
    select
        return_line_key,
        sum(amount) filter (where status = 'succeeded') as refunded_amount,
        min(created_at) filter (where status = 'succeeded') as first_refunded_at,
        bool_or(is_returnless and status not in ('failed', 'canceled')) as is_returnless
    from {{ ref('int_refunds') }}
    where return_line_key is not null
    group by return_line_key
),

memos as (
    select
        return_line_key,
        sum(amount) as credited_amount,
        sum(amount) filter (where component = 'merchandise') as credited_merchandise_amount,
        {{ start_of('max(posted_on)') }} as last_credited_at
    from {{ ref('int_credit_memos') }}
    where return_line_key is not null
    group by return_line_key
),

settlements as (
    select
        return_line_key,
        -sum(gross_amount) filter (
            where status = 'succeeded' and type in ('refund', 'refund_failure')
        ) as settled_amount
    from {{ ref('int_settlements') }}
    where return_line_key is not null
    group by return_line_key
),

events as (
    select return_line_key, bool_or(is_illegal_transition) as has_illegal_transition
    from {{ ref('int_return_line_events') }}
    group by return_line_key
)

select
    lines.unit_key,
    lines.return_line_key,
    lines.is_blind,
    lines.has_request,
    -- decisions
    requests.decision,
    coalesce(rmas.rma_lines, 0) as rma_lines,
    coalesce(rmas.live_rma_lines, 0) as live_rma_lines,
    coalesce(rmas.is_closed_in_kind, false) as is_closed_in_kind,
    coalesce(refunds.is_returnless, false) as is_returnless_granted,
    coalesce(events.has_illegal_transition, false) as has_illegal_transition,
    -- quantities
    coalesce(requests.quantity, 0) as requested_quantity,
    coalesce(rmas.authorized_quantity, 0) as authorized_quantity,
    coalesce(rmas.live_authorized_quantity, 0) as live_authorized_quantity,
    coalesce(receipts.received_quantity, 0) as received_quantity,
    coalesce(receipts.inspected_quantity, 0) as inspected_quantity,
    coalesce(dispositions.disposed_quantity, 0) as disposed_quantity,
    coalesce(dispositions.processed_quantity, 0) as processed_quantity,
    -- timing
    requests.requested_at,
    coalesce(
        requests.decided_at, case when requests.decision <> 'REQUESTED' then requests.updated_at end
    ) as decided_at,
    coalesce(rmas.live_authorized_at, rmas.authorized_at) as authorized_at,
    case when not coalesce(rmas.has_open_end, false) then rmas.expires_at end as expires_at,
    rmas.voided_at,
    case when rmas.is_closed_in_kind then rmas.live_updated_at end as closed_in_kind_at,
    least(rmas.first_scan_at, receipts.first_scan_at) as first_scan_at,
    least(rmas.delivered_at, receipts.delivered_at) as delivered_at,
    receipts.first_received_at,
    receipts.last_received_at,
    receipts.first_inspected_at,
    receipts.last_inspected_at,
    dispositions.first_disposed_at,
    dispositions.last_disposed_at,
    refunds.first_refunded_at,
    memos.last_credited_at,
    -- amounts
    coalesce(memos.credited_amount, 0) as credited_amount,
    coalesce(memos.credited_merchandise_amount, 0) as credited_merchandise_amount,
    coalesce(settlements.settled_amount, 0) as settled_amount,
    coalesce(refunds.refunded_amount, 0) as refunded_amount
from lines
left join requests on lines.return_line_key = requests.return_line_key
left join rmas on lines.return_line_key = rmas.return_line_key
left join receipts on lines.return_line_key = receipts.return_line_key
left join dispositions on lines.return_line_key = dispositions.return_line_key
left join refunds on lines.return_line_key = refunds.return_line_key
left join memos on lines.return_line_key = memos.return_line_key
left join settlements on lines.return_line_key = settlements.return_line_key
left join events on lines.return_line_key = events.return_line_key
