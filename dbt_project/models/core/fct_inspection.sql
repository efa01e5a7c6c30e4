{{ config(indexes=[
    {'columns': ['inspection_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['receipt_id']},
]) }}
-- Grain: one row per inspection of a receipt. Only the latest (is_latest) grades the goods.

with inspections as (
    select * from {{ ref('int_inspections') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
)

select
    inspections.unit_key,
    inspections.return_line_key,
    inspections.inspection_id,
    inspections.receipt_id,
    inspections.inspector_id,
    -- what
    inspections.sku_found,
    inspections.serial_found,
    inspections.functional_grade,
    inspections.cosmetic_grade,
    inspections.grade,
    inspections.source_reason_code,
    inspections.confirmed_reason,
    inspections.weight_g,
    inspections.labour_minutes,
    inspections.is_latest,
    coalesce(inspections.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    -- timing
    inspections.inspected_at,
    inspections.inspected_on
from inspections
left join lines on inspections.return_line_key = lines.return_line_key
