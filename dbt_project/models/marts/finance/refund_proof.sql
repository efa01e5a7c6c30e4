-- Grain: one row per fiscal period, entity, currency and line of the proof, see refund_proof_lines. Follow `position`:
-- a leg less its classes is the next leg, and checks are 0.
-- A view, since the night's date is new on every row every night and nothing else is.
{{ config(materialized='view') }}

select
    lines.period,
    lines.entity,
    lines.currency,
    lines.position,
    lines.line,
    lines.leg,
    lines.gap,
    lines.class,
    lines.label,
    lines.amount,
    lines.reporting_amount,
    publication.business_date
from {{ ref('refund_proof_lines') }} as lines
cross join {{ ref('finance_publication') }} as publication
