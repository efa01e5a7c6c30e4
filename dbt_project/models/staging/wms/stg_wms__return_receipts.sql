{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_return_receipts',
        'keys': ['receipt_id'],
    },
    indexes=[
        {'columns': ['receipt_id'], 'unique': true},
        {'columns': ['rma_no']},
        {'columns': ['order_no']},
        {'columns': ['sku']},
        {'columns': ['serial_no']},
        {'columns': ['received_on']},
    ],
    post_hook=[
        "{{ partial_index(this, '(customer_id)', 'order_no is null and customer_id is not null') }}",
    ],
) }}
-- Grain: one row per receipt of one SKU.

with winners as (
    {{ winners('wms', 'wms_return_receipts', ['receipt_id']) }}
)

select
    receipt_id,
    rma_no,
    rma_line_no,
    order_no,
    tracking_no,
    customer_id,
    -- what
    sku,
    quantity,
    lot_no,
    serial_no,
    site,
    weight_g,
    -- timing
    received_at,
    {{ business_day('received_at') }} as received_on,
    received_at_local,
    received_zone,
    -- lineage
    _file_id,
    _line_no
from winners
