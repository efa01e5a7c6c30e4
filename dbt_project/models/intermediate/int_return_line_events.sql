{{ config(indexes=[{'columns': ['return_line_key']}]) }}
-- Grain: one row per return line and event, in the order in which they happened. Whether an event may
-- follow the one before it is looked up in the seed legal_transitions; a forbidden one is kept.

with requests as (
    select * from {{ ref('int_requests') }}
),

rmas as (
    select * from {{ ref('int_rma_lines') }}
),

approved_keys as (
    select distinct return_line_key from rmas
),

scans as (
    select rmas.unit_key, rmas.return_line_key, min(scan.event_at) as first_scan_at
    from rmas
    inner join {{ ref('stg_wms__shipment_events') }} as scan
        on rmas.tracking_no = scan.tracking_no
    where scan.leg = 'return'
        and scan.event_code in ('dropped_off', 'in_transit', 'out_for_delivery', 'delivered')
    group by rmas.unit_key, rmas.return_line_key
),

events as (
    select
        unit_key, return_line_key, 'REQUESTED' as event, 1 as step, requested_at as event_at,
        'request:' || request_id || '-' || request_line as source, quantity
    from requests
    union all
    -- the ERP's authorization is the approval; the CRM's word counts where there is none
    select
        requests.unit_key, requests.return_line_key, requests.decision, 2,
        coalesce(requests.decided_at, requests.updated_at),
        'request:' || requests.request_id || '-' || requests.request_line, requests.quantity
    from requests
    left join approved_keys on requests.return_line_key = approved_keys.return_line_key
    where requests.decision in ('DECLINED', 'CANCELLED')
        or (requests.decision = 'APPROVED' and approved_keys.return_line_key is null)
    union all
    select
        unit_key, return_line_key, 'APPROVED', 2, authorized_at, 'rma:' || rma_line_key,
        quantity_authorized
    from rmas
    union all
    select
        unit_key, return_line_key, 'CANCELLED', 3, updated_at, 'rma:' || rma_line_key,
        quantity_authorized
    from rmas
    where is_void
    union all
    select unit_key, return_line_key, 'IN_TRANSIT', 4, first_scan_at, 'scan', null
    from scans
    union all
    select
        unit_key, return_line_key, 'RECEIVED', 5, received_at, 'receipt:' || receipt_id, quantity
    from {{ ref('int_receipts') }}
    union all
    select
        unit_key, return_line_key, 'INSPECTED', 6, inspected_at, 'inspection:' || inspection_id,
        null
    from {{ ref('int_inspections') }}
    where return_line_key is not null
    union all
    select
        unit_key, return_line_key,
        case when is_final then 'DISPOSED' else 'IN_PROCESS' end,
        case when is_final then 8 else 7 end,
        disposed_at, 'disposition:' || disposition_id, net_quantity
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
