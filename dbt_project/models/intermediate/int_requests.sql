{{ config(indexes=[{'columns': ['request_id', 'request_line']}]) }}
-- Grain: one row per return request line of the touched units, with the decision as events tell it.

with candidates as (
    {{ working_set(ref('stg_crm__return_requests'), [
        'order_no in ' ~ touched_units(),
        'request_id in (' ~ lone_units('REQ:') ~ ')',
    ]) }}
),

requests as (
    select *, coalesce(order_no, 'REQ:' || request_id) as unit_key
    from candidates
)

select
    unit_key,
    'REQ:' || request_id || '-' || request_line as return_line_key,
    request_id,
    request_line,
    order_no,
    order_line_no,
    customer_id,
    quantity,
    source_reason_code,
    reason,
    desired_resolution,
    source_status,
    {{ request_decision('source_status', 'decline_code') }} as decision,
    requested_at,
    requested_on,
    decided_at,
    decline_code,
    updated_at
from requests
where {{ in_touched_units('unit_key') }}
