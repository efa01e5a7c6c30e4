{{ config(indexes=[
    {'columns': ['cost_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['cost_on']}, {'columns': ['tracking_no']},
]) }}
-- Grain: one row per cost line: a carrier charge's share, a receipt, an inspection, a work order, a
-- disposition, the storage up to it, a service case's share, a processor fee. Reporting amounts are rounded per line
-- and add up; amounts only within a currency.

with costs as (
    select * from {{ ref('int_cost_lines') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

charges as (
    select * from {{ ref('int_freight__split') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    costs.unit_key,
    costs.component || '/' || costs.source_key as cost_line_key,
    costs.return_line_key,
    costs.receipt_id,
    costs.source_key,
    charges.tracking_no,
    costs.component,
    coalesce(lines.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    -- timing
    costs.cost_on,
    -- amounts
    cast(costs.amount as numeric(18, 2)) as amount,
    costs.currency,
    {{ to_reporting('costs.amount', 'fx.rate') }} as reporting_amount
from costs
left join lines on costs.return_line_key = lines.return_line_key
left join charges
    on costs.source_key = 'carrier_invoice:' || charges.charge_key || '/' || charges.rma_line_key
left join fx
    on costs.currency = fx.currency
    and costs.cost_on >= fx.valid_from
    and costs.cost_on < fx.valid_to
