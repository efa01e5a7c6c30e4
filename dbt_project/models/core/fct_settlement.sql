{{ config(indexes=[
    {'columns': ['settlement_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['booked_on']}, {'columns': ['refund_id']},
]) }}
-- Grain: one row per movement at the payment processor, charge, fee, reserve and payout rows included.
-- Seen from the merchant: a refund is negative. Only succeeded rows moved money.
-- Amounts add up within a currency; reporting amounts are rounded per row and add up over all.

with settlements as (
    select * from {{ ref('int_settlements') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    settlements.unit_key,
    settlements.return_line_key,
    settlements.settlement_id,
    settlements.batch_no,
    settlements.type,
    settlements.refund_id,
    settlements.match_rule,
    settlements.status,
    settlements.booked_at,
    settlements.booked_on,
    settlements.gross_amount,
    settlements.fee_amount,
    settlements.net_amount,
    settlements.settled_amount,
    settlements.settled_currency,
    settlements.fx_rate,
    settlements.currency,
    {{ to_reporting('settlements.gross_amount', 'fx.rate') }} as reporting_gross_amount,
    {{ to_reporting('settlements.fee_amount', 'fx.rate') }} as reporting_fee_amount,
    {{ sale_columns() }}
from settlements
{{ with_sale("settlements") }}
left join fx
    on settlements.currency = fx.currency
    and settlements.booked_on >= fx.valid_from
    and settlements.booked_on < fx.valid_to
