{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_credit_memos',
        'keys': ['memo_no', 'memo_line_no', 'component'],
    },
    indexes=[
        {'columns': ['memo_no', 'memo_line_no', 'component'], 'unique': true},
        {'columns': ['order_no']},
        {'columns': ['rma_no']},
        {'columns': ['refund_id']},
        {'columns': ['posted_on']},
    ],
    post_hook=[
        "{{ partial_index(this, '(receipt_id)', 'receipt_id is not null') }}",
        "{{ partial_index(this, '(sku)', 'sku is not null') }}",
    ],
) }}
-- Grain: one row per credit memo line and component.

with winners as (
    {{ winners('erp', 'erp_credit_memos', ['memo_no', 'memo_line_no', 'component']) }}
)

select
    memo_no,
    memo_line_no,
    component,
    rma_no,
    rma_line_no,
    order_no,
    order_line_no,
    receipt_id,
    customer_id,
    sku,
    refund_id,
    reverses_memo_no,
    -- amounts
    amount,
    currency,
    -- timing
    posted_on,
    -- lineage
    _file_id,
    _line_no
from winners
