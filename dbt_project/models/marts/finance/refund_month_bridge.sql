-- Grain: one row per fiscal period, currency and figure that may be meant by the refunds of a month, or line between
-- two of them, see refund_month_bridge_lines. Not additive.
-- A view, since the night's date is new on every row every night and nothing else is.
{{ config(materialized='view') }}

select
    lines.period,
    lines.currency,
    lines.position,
    lines.chain,
    lines.line,
    lines.name,
    lines.kind,
    lines.label,
    lines.amount,
    lines.reporting_amount,
    publication.business_date
from {{ ref('refund_month_bridge_lines') }} as lines
cross join {{ ref('finance_publication') }} as publication
