{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_inspections', 'keys': ['inspection_id'],
    },
    indexes=[
        {'columns': ['inspection_id'], 'unique': true},
        {'columns': ['receipt_id']},
        {'columns': ['inspected_on']},
    ],
) }}
-- Grain: one row per inspection of one receipt.

with winners as (
    {{ winners('wms', 'wms_inspections', ['inspection_id']) }}
),

crosswalk as (
    {{ reason_codes('wms') }}
)

select
    winners.inspection_id,
    winners.receipt_id,
    winners.inspector_id,
    -- what
    winners.sku_found,
    winners.serial_found,
    winners.functional_grade,
    winners.cosmetic_grade,
    winners.confirmed_reason as source_reason_code,
    {{ canonical('winners.confirmed_reason', 'crosswalk.reason') }} as confirmed_reason,
    winners.weight_g,
    coalesce(winners.labour_minutes, 0) as labour_minutes,
    -- timing
    winners.inspected_at,
    {{ business_day('winners.inspected_at') }} as inspected_on,
    -- lineage
    winners._file_id,
    winners._line_no
from winners
left join crosswalk
    on winners.confirmed_reason = crosswalk.source_code
    and {{ business_day('winners.inspected_at') }} >= crosswalk.valid_from
    and {{ business_day('winners.inspected_at') }} < crosswalk.valid_to
