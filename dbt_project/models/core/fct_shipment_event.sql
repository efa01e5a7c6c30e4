{{ config(indexes=[
    {'columns': ['tracking_no', 'event_code', 'event_at'], 'unique': true},
    {'columns': ['unit_key']},
]) }}
-- Grain: one row per carrier scan. A parcel may carry several return lines; the line is named only
-- where it carries one.

select
    unit_key,
    return_line_key,
    tracking_no,
    event_code,
    event_at,
    event_on,
    leg,
    carrier,
    location,
    rma_no
from {{ ref('int_shipment_events') }}
