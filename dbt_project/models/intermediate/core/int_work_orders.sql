-- Grain: one row per work order of the touched units, with what it cost: labour rounded once, and parts.

with candidates as (
    {{ working_set(ref('stg_wms__work_orders'), [
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
)

select
    unit_key,
    return_line_key,
    work_order_no,
    receipt_id,
    work_type,
    outcome_grade,
    labour_minutes,
    labour_rate,
    parts_cost,
    cast(round(labour_minutes * labour_rate / 60, 2) + parts_cost as numeric(18, 2)) as cost_amount,
    currency,
    cost_on,
    opened_at,
    closed_at,
    updated_at,
    site
from placed
where {{ in_touched_units('unit_key') }}
