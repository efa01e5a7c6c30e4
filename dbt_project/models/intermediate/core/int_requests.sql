{{ config(indexes=[{'columns': ['request_id', 'request_line']}]) }}
-- Grain: one row per return request line of the touched units, with the decision as events tell it. A
-- request that names its order line only has that line's SKU.

with requests as (
    {{ working_set(ref('int_request_units'), [
        'order_no in ' ~ touched_units(),
        'request_id in (select request_id from ' ~ ref('stg_erp__return_authorizations')
            ~ ' where order_no in ' ~ touched_units() ~ ')',
        'request_id in (' ~ lone_units('REQ:') ~ ')',
    ]) }}
)

select
    requests.unit_key,
    'REQ:' || requests.request_id || '-' || requests.request_line as return_line_key,
    requests.request_id,
    requests.request_line,
    requests.known_order_no as order_no,
    requests.order_line_no,
    coalesce(requests.sku, sales.sku) as sku,
    requests.customer_id,
    requests.quantity,
    requests.source_reason_code,
    requests.reason,
    requests.desired_resolution,
    requests.source_status,
    {{ request_decision('requests.source_status', 'requests.decline_code') }} as decision,
    requests.requested_at,
    requests.requested_on,
    requests.decided_at,
    requests.decline_code,
    requests.updated_at
from requests
left join {{ ref('int_sales_lines') }} as sales
    on requests.known_order_no = sales.order_no and requests.order_line_no = sales.line_no
where {{ in_touched_units('requests.unit_key') }}
