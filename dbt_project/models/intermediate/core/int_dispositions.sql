{{ config(indexes=[{'columns': ['disposition_id']}, {'columns': ['return_line_key']}]) }}
-- Grain: one row per disposition of the touched units. A reversal takes units off the disposition
-- that it names and disposes of nothing itself: net_quantity is what still stands. final_change is what
-- happened at the row's own time: units finally disposed of, or taken back, never more than there were.

with candidates as (
    {{ working_set(ref('stg_wms__dispositions'), [
        'receipt_id in (select receipt_id from ' ~ ref('int_receipts') ~ ')',
        'receipt_id in (' ~ lone_units('RCV:') ~ ')',
    ]) }}
),

placed as (
    select
        candidates.*,
        coalesce(receipts.unit_key, 'RCV:' || candidates.receipt_id) as unit_key,
        receipts.return_line_key,
        receipts.site
    from candidates
    left join {{ ref('int_receipts') }} as receipts on candidates.receipt_id = receipts.receipt_id
),

reversals as (
    select unit_key, reverses_disposition_id, sum(quantity) as quantity
    from placed
    where reverses_disposition_id is not null
    group by unit_key, reverses_disposition_id
),

codes as (
    select * from {{ ref('dispositions') }}
),

-- Units that each reversal takes back: of several, the later ones find less
taken_back as (
    select
        reversal.unit_key,
        reversal.disposition_id,
        codes.is_final,
        greatest(least(reversal.quantity, original.quantity - sum(reversal.quantity) over (
            partition by reversal.unit_key, reversal.reverses_disposition_id
            order by reversal.disposed_at, reversal.disposition_id
        ) + reversal.quantity), 0) as quantity
    from placed as reversal
    inner join placed as original
        on reversal.reverses_disposition_id = original.disposition_id
        and reversal.unit_key = original.unit_key
        and original.reverses_disposition_id is null
    inner join codes on original.disposition = codes.disposition
),

looks as (
    select receipt_id, grade from {{ ref('int_inspections') }} where is_latest
)

select
    placed.unit_key,
    placed.return_line_key,
    placed.disposition_id,
    placed.receipt_id,
    placed.quantity,
    case
        when placed.reverses_disposition_id is not null then 0
        else greatest(placed.quantity - coalesce(reversals.quantity, 0), 0)
    end as net_quantity,
    case
        when taken_back.is_final then -taken_back.quantity
        when codes.is_final and placed.reverses_disposition_id is null then placed.quantity
        else 0
    end as final_change,
    placed.source_code,
    placed.disposition,
    codes.is_final,
    codes.is_disposal,
    codes.is_landfill_diverting,
    codes.is_value_recovering,
    placed.reverses_disposition_id is not null as is_reversal,
    coalesce(reversals.quantity, 0) >= placed.quantity and reversals.quantity is not null
        as is_reversed,
    placed.reverses_disposition_id,
    placed.from_location,
    placed.to_location,
    placed.handling_cost,
    placed.currency,
    placed.disposed_at,
    placed.disposed_on,
    placed.certificate_no,
    coalesce(looks.grade, 'UNGRADED') as grade,
    placed.site
from placed
left join reversals
    on placed.disposition_id = reversals.reverses_disposition_id
    and placed.unit_key = reversals.unit_key
left join taken_back
    on placed.disposition_id = taken_back.disposition_id
    and placed.unit_key = taken_back.unit_key
left join codes on placed.disposition = codes.disposition
left join looks on placed.receipt_id = looks.receipt_id
where {{ in_touched_units('placed.unit_key') }}
