{{ config(indexes=[
    {'columns': ['disposition_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['disposed_on']},
]) }}
-- Grain: one row per disposition, reversals included. Sum net_quantity over is_final rows for units
-- disposed of; quantity alone counts reversed and in-process steps too.

with dispositions as (
    select * from {{ ref('int_dispositions') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
),

costed as (
    select
        dispositions.*,
        lines.unit_cost,
        lines.cost_currency,
        cast(round(dispositions.net_quantity * lines.unit_cost, 2) as numeric(18, 2))
            as asset_cost_amount,
        lines.channel,
        lines.product_category
    from dispositions
    left join lines on dispositions.return_line_key = lines.return_line_key
)

select
    costed.unit_key,
    costed.return_line_key,
    costed.disposition_id,
    costed.receipt_id,
    costed.reverses_disposition_id,
    -- what
    costed.quantity,
    cast(costed.net_quantity as bigint) as net_quantity,
    costed.source_code,
    costed.disposition,
    costed.is_final,
    costed.is_disposal,
    costed.is_reversal,
    costed.is_reversed,
    costed.from_location,
    costed.to_location,
    costed.certificate_no,
    costed.grade,
    coalesce(costed.site, 'UNATTRIBUTED') as site,
    coalesce(costed.channel, 'UNATTRIBUTED') as channel,
    coalesce(costed.product_category, 'UNKNOWN') as product_category,
    -- timing
    costed.disposed_at,
    costed.disposed_on,
    -- amounts
    costed.handling_cost,
    costed.currency,
    costed.unit_cost,
    costed.cost_currency,
    costed.asset_cost_amount,
    {{ to_reporting('costed.asset_cost_amount', 'fx.rate') }} as asset_cost_reporting
from costed
left join fx
    on costed.cost_currency = fx.currency
    and costed.disposed_on >= fx.valid_from
    and costed.disposed_on < fx.valid_to
