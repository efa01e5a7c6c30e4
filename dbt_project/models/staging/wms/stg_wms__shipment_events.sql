{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_shipment_events',
        'keys': ['tracking_no', 'event_code', 'event_at'],
    },
    indexes=[
        {'columns': ['tracking_no', 'event_code', 'event_at'], 'unique': true},
        {'columns': ['rma_no']},
    ],
) }}
-- Grain: one row per parcel, event and time.

with winners as (
    {{ winners('wms', 'wms_shipment_events', ['tracking_no', 'event_code', 'event_at']) }}
)

select
    tracking_no,
    event_code,
    event_at,
    {{ business_day('event_at') }} as event_on,
    leg,
    carrier,
    location,
    rma_no,
    -- lineage
    _file_id,
    _line_no
from winners
