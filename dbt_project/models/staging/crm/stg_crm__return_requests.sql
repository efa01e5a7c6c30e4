{{ config(
    meta={
        'replaces': 'files', 'source': 'crm', 'feed': 'crm_return_requests',
        'keys': ['request_id', 'request_line'],
    },
    indexes=[
        {'columns': ['request_id', 'request_line'], 'unique': true},
        {'columns': ['order_no']},
    ],
    post_hook=[
        "{{ partial_index(this, '(customer_id)', 'order_no is null and customer_id is not null') }}",
    ],
) }}
-- Grain: one row per return request line, its newest version.

with winners as (
    {{ winners('crm', 'crm_return_requests', ['request_id', 'request_line'], 'updated_at') }}
),

crosswalk as (
    {{ reason_codes('crm') }}
)

select
    winners.request_id,
    winners.request_line,
    winners.order_no,
    winners.order_line_no,
    winners.customer_id,
    -- what
    winners.sku,
    winners.quantity,
    winners.reason_code as source_reason_code,
    {{ canonical('winners.reason_code', 'crosswalk.reason') }} as reason,
    winners.desired_resolution,
    winners.status as source_status,
    winners.decline_code,
    -- timing
    winners.requested_at,
    {{ business_day('winners.requested_at') }} as requested_on,
    winners.decided_at,
    winners.updated_at,
    -- lineage
    winners._file_id,
    winners._line_no
from winners
left join crosswalk
    on winners.reason_code = crosswalk.source_code
    and {{ business_day('winners.requested_at') }} >= crosswalk.valid_from
    and {{ business_day('winners.requested_at') }} < crosswalk.valid_to
