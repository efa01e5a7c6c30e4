{{ config(indexes=[
    {'columns': ['rma_no', 'rma_line_no']}, {'columns': ['unit_key']}, {'columns': ['tracking_no']},
]) }}
-- Grain: one row per RMA line of the touched units, with the return line it belongs to: that of its
-- request line, else its own; and with the first use of its label. A label that was only printed shows
-- no scan.

with rmas as (
    {{ working_set(ref('int_rma_units'), [
        'order_no in ' ~ touched_units(),
        'request_id in (select request_id from ' ~ ref('int_requests') ~ ')',
        'request_id in (' ~ lone_units('REQ:') ~ ')',
        'rma_no in (' ~ lone_units('RMA:') ~ ')',
    ]) }}
),

request_lines as (
    select * from {{ ref('int_rma_request_lines') }}
),

scans as (
    {{ scans_of_parcels('rmas') }}
)

select
    rmas.unit_key,
    coalesce(
        'REQ:' || rmas.request_id || '-' || request_lines.request_line,
        'RMA:' || rmas.rma_no || '-' || rmas.rma_line_no
    ) as return_line_key,
    rmas.rma_no || '-' || rmas.rma_line_no as rma_line_key,
    rmas.rma_no,
    rmas.rma_line_no,
    coalesce(rmas.order_no, request_lines.order_no) as order_no,
    coalesce(rmas.order_line_no, request_lines.order_line_no) as order_line_no,
    rmas.request_id,
    request_lines.request_line,
    rmas.customer_id,
    rmas.sku,
    rmas.quantity_authorized,
    rmas.source_reason_code,
    rmas.reason,
    rmas.resolution,
    rmas.source_status,
    rmas.authorized_at,
    rmas.authorized_on,
    rmas.expires_at,
    rmas.tracking_no,
    scans.first_scan_at as label_first_used_at,
    scans.delivered_at,
    rmas.is_void,
    rmas.updated_at
from rmas
left join request_lines
    on rmas.rma_no = request_lines.rma_no and rmas.rma_line_no = request_lines.rma_line_no
left join scans on rmas.tracking_no = scans.tracking_no
where {{ in_touched_units('rmas.unit_key') }}
