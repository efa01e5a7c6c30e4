{{ config(indexes=[{'columns': ['return_line_key']}]) }}
-- Grain: one row per return line and event, in the order in which they happened. Whether an event may
-- follow the one before it is looked up in the seed legal_transitions; a forbidden one is kept.

with requests as (
    select * from {{ ref('int_requests') }}
),

rmas as (
    select * from {{ ref('int_rma_lines') }}
),

events as (
    select
        unit_key, return_line_key, 'REQUESTED' as event, 1 as step, requested_at as event_at,
        'request:' || request_id || '-' || request_line as source, quantity
    from requests
    union all
    -- the ERP's authorization is the approval; the CRM's word counts where there is none
    select
        requests.unit_key, requests.return_line_key, requests.decision as event, 2 as step,
        coalesce(requests.decided_at, requests.updated_at) as event_at,
        'request:' || requests.request_id || '-' || requests.request_line as source,
        requests.quantity
    from requests
    where requests.decision in ('DECLINED', 'CANCELLED')
        or (
            requests.decision = 'APPROVED'
            and requests.return_line_key not in (select return_line_key from rmas)
        )
    union all
    select
        unit_key, return_line_key, 'APPROVED' as event, 2 as step, authorized_at as event_at,
        'rma:' || rma_line_key as source, quantity_authorized as quantity
    from rmas
    union all
    select
        unit_key, return_line_key, 'CANCELLED' as event, 3 as step, updated_at as event_at,
        'rma:' || rma_line_key as source, quantity_authorized as quantity
    from rmas where is_void
    union all
    select
        unit_key, return_line_key, 'IN_TRANSIT' as event, 4 as step,
        min(scanned_at) as event_at, 'scan' as source, null as quantity
    from (
        select unit_key, return_line_key, label_first_used_at as scanned_at from rmas
        union all
        select unit_key, return_line_key, first_scan_at from {{ ref('int_receipts') }}
    ) as scans
    where scanned_at is not null
    group by unit_key, return_line_key
    union all
    select
        unit_key, return_line_key, 'RECEIVED' as event, 5 as step, received_at as event_at,
        'receipt:' || receipt_id as source, quantity
    from {{ ref('int_receipts') }}
    union all
    select
        unit_key, return_line_key, 'INSPECTED' as event, 6 as step, inspected_at as event_at,
        'inspection:' || inspection_id as source, null as quantity
    from {{ ref('int_inspections') }}
    where return_line_key is not null
    union all
    select
        unit_key, return_line_key,
        case when is_final then 'DISPOSED' else 'IN_PROCESS' end as event,
        case when is_final then 8 else 7 end as step,
        disposed_at as event_at, 'disposition:' || disposition_id as source,
        net_quantity as quantity
    from {{ ref('int_dispositions') }}
    where return_line_key is not null and net_quantity > 0
),

ordered as (
    select
        *,
        row_number() over in_time as event_no,
        coalesce(lag(event) over in_time, 'NONE') as previous_event
    from events
    window in_time as (partition by return_line_key order by event_at, step, source)
),

legal as (
    select * from {{ ref('legal_transitions') }}
)

select
    ordered.unit_key,
    ordered.return_line_key,
    cast(ordered.event_no as integer) as event_no,
    ordered.event,
    ordered.event_at,
    ordered.source,
    cast(ordered.quantity as bigint) as quantity,
    ordered.previous_event,
    legal.to_status is null as is_illegal_transition
from ordered
left join legal
    on ordered.previous_event = legal.from_status and ordered.event = legal.to_status
