-- Grain: one row per scan of a parcel of the touched units. A parcel belongs to the unit of its RMA
-- lines (the smallest, where it carries several orders), else of the RMA on its label, else of the receipts
-- that name the parcel.

with candidates as (
    {{ working_set(ref('stg_wms__shipment_events'), [
        'tracking_no in (select tracking_no from ' ~ ref('int_rma_lines') ~ ')',
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'rma_no in (' ~ lone_units('RMA:') ~ ')',
        'tracking_no in (select tracking_no from ' ~ ref('int_receipts') ~ ')',
        'tracking_no in (' ~ lone_units('TRK:') ~ ')',
    ]) }}
),

parcel_units as (
    select tracking_no, min(unit_key) as unit_key
    from {{ ref('int_rma_units') }}
    where tracking_no in (select tracking_no from candidates)
    group by tracking_no
),

label_units as (
    select rma_no, min(unit_key) as unit_key
    from {{ ref('int_rma_units') }}
    where rma_no in (select rma_no from candidates)
    group by rma_no
),

receipt_units as (
    select tracking_no, min(unit_key) as unit_key
    from {{ ref('int_receipts') }}
    where tracking_no is not null
    group by tracking_no
),

placed as (
    select
        candidates.*,
        coalesce(
            parcel_units.unit_key, label_units.unit_key, receipt_units.unit_key,
            'TRK:' || candidates.tracking_no
        ) as unit_key
    from candidates
    left join parcel_units on candidates.tracking_no = parcel_units.tracking_no
    left join label_units on candidates.rma_no = label_units.rma_no
    left join receipt_units on candidates.tracking_no = receipt_units.tracking_no
),

parcel_lines as (
    select unit_key, tracking_no, min(return_line_key) as return_line_key
    from (
        select unit_key, tracking_no, return_line_key from {{ ref('int_rma_lines') }}
        union all
        select unit_key, tracking_no, return_line_key from {{ ref('int_receipts') }}
    ) as documents
    where tracking_no is not null
    group by unit_key, tracking_no
    having min(return_line_key) = max(return_line_key)
)

select
    placed.unit_key,
    parcel_lines.return_line_key,
    placed.tracking_no,
    placed.event_code,
    placed.event_at,
    placed.event_on,
    placed.leg,
    placed.carrier,
    placed.location,
    placed.rma_no
from placed
left join parcel_lines
    on placed.unit_key = parcel_lines.unit_key and placed.tracking_no = parcel_lines.tracking_no
where {{ in_touched_units('placed.unit_key') }}
