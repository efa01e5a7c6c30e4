{{ config(indexes=[
    {'columns': ['request_id', 'request_line'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']},
]) }}
-- Grain: one row per return request line. What customers wrote stays in staging.

with requests as (
    select * from {{ ref('int_requests') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

reasons as (
    select * from {{ ref('reasons') }}
)

select
    requests.unit_key,
    requests.return_line_key,
    requests.request_id,
    requests.request_line,
    requests.order_no,
    requests.order_line_no,
    requests.customer_id,
    -- what
    requests.quantity,
    requests.source_reason_code,
    requests.reason,
    reasons.fault_party,
    requests.desired_resolution,
    requests.source_status,
    requests.decision,
    requests.decline_code,
    lines.channel,
    lines.product_category,
    lines.sku,
    -- timing
    requests.requested_at,
    requests.requested_on,
    requests.decided_at,
    requests.updated_at
from requests
inner join lines on requests.return_line_key = lines.return_line_key
left join reasons on requests.reason = reasons.reason
