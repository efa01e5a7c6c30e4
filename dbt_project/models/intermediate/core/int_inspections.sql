{{ config(indexes=[{'columns': ['receipt_id']}, {'columns': ['return_line_key']}]) }}
-- Grain: one row per inspection of the touched units, with the value grade of its pair of grades.

with candidates as (
    {{ working_set(ref('stg_wms__inspections'), [
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

grades as (
    select * from {{ ref('grades') }}
)

select
    placed.unit_key,
    placed.return_line_key,
    placed.inspection_id,
    placed.receipt_id,
    placed.sku_found,
    placed.serial_found,
    placed.functional_grade,
    placed.cosmetic_grade,
    coalesce(grades.grade, 'UNGRADED') as grade,
    placed.source_reason_code,
    placed.confirmed_reason,
    placed.weight_g,
    placed.labour_minutes,
    placed.inspected_at,
    placed.inspected_on,
    placed.inspector_id,
    placed.site,
    row_number() over (
        partition by placed.receipt_id order by placed.inspected_at desc, placed.inspection_id desc
    ) = 1 as is_latest
from placed
left join grades
    on placed.functional_grade = grades.functional_grade
    and placed.cosmetic_grade = grades.cosmetic_grade
where {{ in_touched_units('placed.unit_key') }}
