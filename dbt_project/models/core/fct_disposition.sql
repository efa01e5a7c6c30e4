{{ config(indexes=[
    {'columns': ['disposition_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['disposed_on']}, {'columns': ['receipt_id']},
]) }}
-- Grain: one row per disposition, reversals included. Sum net_quantity over is_final rows for units
-- disposed of; quantity alone counts reversed and in-process steps too. final_change adds up over any
-- span of time: units that the row ended, or brought back. CO2e and cost are of net_quantity.

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
),

costed as (
    select
        dispositions.*,
        lines.unit_cost,
        lines.cost_currency,
        cast(round(dispositions.net_quantity * lines.unit_cost, 2) as numeric(18, 2))
            as asset_cost_amount,
        lines.channel,
        lines.product_category,
        lines.weight_g,
        lines.hazmat_class,
        lines.weee_category
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
    cast(costed.final_change as bigint) as final_change,
    costed.source_code,
    costed.disposition,
    costed.is_final,
    costed.is_disposal,
    costed.is_landfill_diverting,
    costed.is_value_recovering,
    costed.is_reversal,
    costed.is_reversed,
    costed.from_location,
    costed.to_location,
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
    {{ to_reporting('costed.asset_cost_amount', 'fx.rate') }} as asset_cost_reporting,
    -- compliance: every class that the goods have must allow the disposition
    costed.weight_g,
    costed.hazmat_class,
    costed.weee_category,
    costed.certificate_no,
    (costed.hazmat_class is null or hazmat.disposition is not null)
    and (costed.weee_category is null or weee.disposition is not null) as is_allowed_for_class,
    coalesce(hazmat.needs_certificate, false) or coalesce(weee.needs_certificate, false)
        as needs_certificate,
    (coalesce(hazmat.needs_certificate, false) or coalesce(weee.needs_certificate, false))
    and costed.certificate_no is null as is_certificate_missing,
    cast(
        case
            when costed.is_final
                then round(
                    costed.net_quantity * coalesce(costed.weight_g, 0) * factors.factor / 1000, 2
                )
            else 0
        end as numeric(18, 2)
    ) as disposal_co2e_g,
    factors.version as co2e_factor_version
from costed
left join fx
    on costed.cost_currency = fx.currency
    and costed.disposed_on >= fx.valid_from
    and costed.disposed_on < fx.valid_to
left join rules as hazmat
    on hazmat.waste_stream = 'hazmat'
    -- a division such as 2.1 follows its class
    and hazmat.waste_class = split_part(costed.hazmat_class, '.', 1)
    and hazmat.disposition = costed.disposition
left join rules as weee
    on weee.waste_stream = 'weee'
    and weee.waste_class = costed.weee_category
    and weee.disposition = costed.disposition
left join factors
    on costed.disposition = factors.code
    and costed.disposed_on >= factors.valid_from and costed.disposed_on < factors.valid_to
