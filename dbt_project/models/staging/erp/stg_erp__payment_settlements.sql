{{ config(
    meta={
        'replaces': 'files', 'source': 'erp', 'feed': 'erp_payment_settlements',
        'keys': ['settlement_id'],
    },
    indexes=[
        {'columns': ['settlement_id'], 'unique': true},
        {'columns': ['refund_id']},
        {'columns': ['booked_on']},
    ],
) }}
-- Grain: one row per movement at the payment processor.

with winners as (
    {{ winners('erp', 'erp_payment_settlements', ['settlement_id']) }}
)

select
    settlement_id,
    batch_no,
    type,
    refund_id,
    status,
    -- amounts, seen from the merchant
    gross_amount,
    coalesce(fee_amount, 0) as fee_amount,
    net_amount,
    currency,
    settled_amount,
    settled_currency,
    fx_rate,
    -- timing
    booked_at,
    {{ business_day('booked_at') }} as booked_on,
    -- lineage
    _file_id,
    _line_no
from winners
