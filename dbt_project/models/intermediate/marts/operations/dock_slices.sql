-- Grain: one row per slice and its month of receipt and site, 'ALL' where it is not cut by them. Time from the dock
-- to the final disposition, Kaplan–Meier by unit: units still open are censored at the end of the business
-- date. Not additive. Not published: each slice has a table of its own.
{{ config(materialized='table') }}

with receipts as (

    select * from {{ ref('fct_receipt') }}
    where is_product

),

ended as (

    select
        receipts.receipt_id,
        dispositions.disposed_at as left_at,
        dispositions.net_quantity as quantity,
        true as is_event
    from receipts
    inner join {{ ref('fct_disposition') }} as dispositions
        on receipts.receipt_id = dispositions.receipt_id
    where dispositions.is_final and dispositions.net_quantity > 0

),

still_open as (

    select
        receipts.receipt_id,
        {{ as_of_end() }} as left_at,
        receipts.quantity - coalesce(sum(ended.quantity), 0) as quantity,
        false as is_event
    from receipts
    left join ended on receipts.receipt_id = ended.receipt_id
    group by receipts.receipt_id, receipts.quantity
    having receipts.quantity > coalesce(sum(ended.quantity), 0)

),

spans as (

    select * from ended
    union all
    select * from still_open

),

sliced as (

    select
        slice.slice,
        slice.received_month,
        slice.site,
        spans.is_event,
        spans.quantity,
        greatest(
            0, cast(floor(extract(epoch from spans.left_at - receipts.received_at) / 3600) as bigint)
        ) as hours
    from spans
    inner join receipts on spans.receipt_id = receipts.receipt_id
    cross join lateral (
        values
        ('finest', to_char(receipts.received_on, 'YYYY-MM'), receipts.site),
        ('month', to_char(receipts.received_on, 'YYYY-MM'), 'ALL'),
        ('site', 'ALL', receipts.site),
        ('overall', 'ALL', 'ALL')
    ) as slice (slice, received_month, site)

),

{{ kaplan_meier('sliced', ['slice', 'received_month', 'site']) }}

select
    slice,
    received_month,
    site,
    units as received_units,
    events as disposed_units,
    left_without_event as open_units,
    p50_hours,
    p90_hours
from km
