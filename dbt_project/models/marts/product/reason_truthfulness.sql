-- Grain: one row per product category, stated reason and confirmed reason: what customers said beside what
-- inspectors found. Additive: units. Only the latest inspection of a receipt counts.
{{ config(materialized='table') }}

select
    receipts.product_category,
    lines.reason as stated_reason,
    inspections.confirmed_reason,
    lines.reason = inspections.confirmed_reason as is_confirmed,
    lines.reason not in ('UNKNOWN', 'UNMAPPED')
    and inspections.confirmed_reason not in ('UNKNOWN', 'UNMAPPED') as is_comparable,
    cast(sum(receipts.quantity) as bigint) as units,
    count(distinct lines.return_line_key) as return_lines
from {{ ref('fct_receipt') }} as receipts
inner join {{ ref('fct_return_line') }} as lines
    on receipts.return_line_key = lines.return_line_key
inner join {{ ref('fct_inspection') }} as inspections
    on receipts.receipt_id = inspections.receipt_id and inspections.is_latest
where receipts.is_product
group by receipts.product_category, lines.reason, inspections.confirmed_reason
