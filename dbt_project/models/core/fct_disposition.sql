{{ config(indexes=[
    {'columns': ['disposition_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['disposed_on']}, {'columns': ['receipt_id']},
]) }}
-- Grain: one row per disposition, reversals included. Sum net_quantity over is_final rows for units
-- disposed of; quantity alone counts reversed and in-process steps too. final_change adds up over any
-- span of time: units that the row ended, or brought back. CO2e and cost are of net_quantity.

{%- set grams = 'dispositions.net_quantity * coalesce(lines.weight_g, 0)' %}
{%- set asset_cost = 'cast(round(dispositions.net_quantity * lines.unit_cost, 2) as numeric(18, 2))' %}

with dispositions as (
    select * from {{ ref('int_dispositions') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
),

rules as (
    select * from {{ ref('disposition_rules') }}
),

factors as (
    select * from {{ ref('co2e_factors') }} where kind = 'disposal'
)

select
    dispositions.unit_key,
    dispositions.return_line_key,
    dispositions.disposition_id,
    dispositions.receipt_id,
    dispositions.reverses_disposition_id,
    -- what
    dispositions.quantity,
    cast(dispositions.net_quantity as bigint) as net_quantity,
    cast(dispositions.final_change as bigint) as final_change,
    dispositions.source_code,
    dispositions.disposition,
    dispositions.is_final,
    dispositions.is_disposal,
    dispositions.is_landfill_diverting,
    dispositions.is_value_recovering,
    dispositions.is_reversal,
    dispositions.is_reversed,
    dispositions.from_location,
    dispositions.to_location,
    dispositions.grade,
    coalesce(dispositions.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    -- timing
    dispositions.disposed_at,
    dispositions.disposed_on,
    -- amounts
    dispositions.handling_cost,
    dispositions.currency,
    lines.unit_cost,
    lines.cost_currency,
    {{ asset_cost }} as asset_cost_amount,
    {{ to_reporting(asset_cost, 'fx.rate') }} as asset_cost_reporting,
    -- compliance: every class that the goods have must allow the disposition
    lines.weight_g,
    lines.hazmat_class,
    lines.weee_category,
    dispositions.certificate_no,
    (lines.hazmat_class is null or hazmat.disposition is not null)
    and (lines.weee_category is null or weee.disposition is not null) as is_allowed_for_class,
    coalesce(hazmat.needs_certificate or weee.needs_certificate, false) as needs_certificate,
    coalesce(hazmat.needs_certificate or weee.needs_certificate, false)
    and dispositions.certificate_no is null as is_certificate_missing,
    cast(
        case when dispositions.is_final then round({{ grams }} * factors.factor / 1000, 2) else 0 end
        as numeric(18, 2)
    ) as disposal_co2e_g,
    factors.version as co2e_factor_version
from dispositions
left join lines on dispositions.return_line_key = lines.return_line_key
left join fx
    on lines.cost_currency = fx.currency
    and dispositions.disposed_on >= fx.valid_from
    and dispositions.disposed_on < fx.valid_to
left join rules as hazmat
    on hazmat.waste_stream = 'hazmat'
    -- a division such as 2.1 follows its class
    and split_part(lines.hazmat_class, '.', 1) = hazmat.waste_class
    and dispositions.disposition = hazmat.disposition
left join rules as weee
    on weee.waste_stream = 'weee'
    and lines.weee_category = weee.waste_class
    and dispositions.disposition = weee.disposition
left join factors
    on dispositions.disposition = factors.code
    and dispositions.disposed_on >= factors.valid_from and dispositions.disposed_on < factors.valid_to
