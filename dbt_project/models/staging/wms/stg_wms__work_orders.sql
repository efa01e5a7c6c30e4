{{ config(
    meta={
        'replaces': 'files', 'source': 'wms', 'feed': 'wms_work_orders', 'keys': ['work_order_no'],
    },
    indexes=[
        {'columns': ['work_order_no'], 'unique': true},
        {'columns': ['receipt_id']},
        {'columns': ['cost_on']},
    ],
) }}
-- Grain: one row per work order, its newest version.

with winners as (
    {{ winners('wms', 'wms_work_orders', ['work_order_no'], 'updated_at') }}
)

select
    work_order_no,
    receipt_id,
    -- what
    type as work_type,
    outcome_grade,
    -- amounts
    coalesce(labour_minutes, 0) as labour_minutes,
    coalesce(labour_rate, 0) as labour_rate,
    coalesce(parts_cost, 0) as parts_cost,
    currency,
    -- timing
    opened_at,
    closed_at,
    -- work that goes on costs what it has cost so far, on the day on which it began
    {{ business_day('coalesce(closed_at, opened_at)') }} as cost_on,
    updated_at,
    -- lineage
    _file_id,
    _line_no
from winners
