{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_return_authorizations',
        'keys': ['rma_no', 'rma_line_no'],
    },
    indexes=[
        {'columns': ['rma_no', 'rma_line_no'], 'unique': true},
        {'columns': ['order_no']},
        {'columns': ['request_id']},
        {'columns': ['tracking_no']},
        {'columns': ['expires_at']},
        {'columns': ['sku']},
    ],
    post_hook=[
        "{{ partial_index(this, '(customer_id)', 'order_no is null and customer_id is not null') }}",
    ],
) }}
-- Grain: one row per RMA line, its newest version.

with winners as (
    {{ winners('erp', 'erp_return_authorizations', ['rma_no', 'rma_line_no'], 'updated_at') }}
),

crosswalk as (
    {{ reason_codes('erp') }}
)

select
    winners.rma_no,
    winners.rma_line_no,
    winners.order_no,
    winners.order_line_no,
    winners.request_id,
    winners.tracking_no,
    winners.customer_id,
    -- what
    winners.sku,
    winners.quantity_authorized,
    winners.reason_code as source_reason_code,
    {{ canonical('winners.reason_code', 'crosswalk.reason') }} as reason,
    winners.resolution,
    winners.status as source_status,
    winners.is_void,
    -- timing
    winners.authorized_at,
    {{ business_day('winners.authorized_at') }} as authorized_on,
    winners.expires_at,
    winners.updated_at,
    -- lineage
    winners._file_id,
    winners._line_no
from winners
left join crosswalk
    on winners.reason_code = crosswalk.source_code
    and {{ business_day('winners.authorized_at') }} >= crosswalk.valid_from
    and {{ business_day('winners.authorized_at') }} < crosswalk.valid_to
