{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_carrier_invoices',
        'keys': ['invoice_no', 'tracking_no', 'charge_type'],
    },
    indexes=[
        {'columns': ['invoice_no', 'tracking_no', 'charge_type'], 'unique': true},
        {'columns': ['tracking_no']},
        {'columns': ['invoiced_on']},
    ],
) }}
-- Grain: one row per carrier invoice, parcel and charge type.

with winners as (
    {{ winners('wms', 'wms_carrier_invoices', ['invoice_no', 'tracking_no', 'charge_type']) }}
)

select
    invoice_no,
    tracking_no,
    charge_type,
    -- amounts
    amount,
    currency,
    -- timing
    invoiced_on,
    -- lineage
    _file_id,
    _line_no
from winners
