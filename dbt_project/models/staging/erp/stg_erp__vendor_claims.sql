{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_vendor_claims',
        'keys': ['claim_no', 'line_no'],
    },
    indexes=[
        {'columns': ['claim_no', 'line_no'], 'unique': true},
        {'columns': ['receipt_id']},
        {'columns': ['vendor_id']},
        {'columns': ['sku']},
        {'columns': ['opened_on']},
    ],
) }}
-- Grain: one row per vendor claim line, its newest version.

with winners as (
    {{ winners('erp', 'erp_vendor_claims', ['claim_no', 'line_no'], 'updated_at') }}
)

select
    claim_no,
    line_no,
    vendor_id,
    receipt_id,
    -- what
    sku,
    lot_no,
    serial_no,
    quantity,
    status,
    -- amounts
    claimed_amount,
    coalesce(credited_amount, 0) as credited_amount,
    currency,
    -- timing
    opened_on,
    -- a credit without its day is known since the row's last change
    coalesce(
        credited_on, case when credited_amount > 0 then {{ business_day('updated_at') }} end
    ) as credited_on,
    updated_at,
    -- lineage
    _file_id,
    _line_no
from winners
