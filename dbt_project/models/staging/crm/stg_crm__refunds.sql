{{ config(
    meta={
        'replaces': 'files', 'source': 'crm', 'feed': 'crm_refunds',
        'keys': ['refund_id', 'tender_no'],
    },
    indexes=[
        {'columns': ['refund_id', 'tender_no'], 'unique': true},
        {'columns': ['order_no']},
        {'columns': ['request_id']},
        {'columns': ['rma_no']},
        {'columns': ['created_on']},
    ],
) }}
-- Grain: one row per refund and tender, its newest version.

with winners as (
    {{ winners('crm', 'crm_refunds', ['refund_id', 'tender_no'], 'updated_at') }}
)

select
    refund_id,
    tender_no,
    request_id,
    rma_no,
    order_no,
    order_line_no,
    customer_id,
    idempotency_key,
    -- what
    tender,
    tender in ('store_credit', 'gift_card') as is_credit_tender,
    status,
    is_returnless,
    approved_by,
    -- amounts
    amount,
    currency,
    -- timing
    created_at,
    {{ business_day('created_at') }} as created_on,
    updated_at,
    -- lineage
    _file_id,
    _line_no
from winners
