{{ config(indexes=[
    {'columns': ['work_order_no'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['receipt_id']},
]) }}
-- Grain: one row per work order. Minutes add up; amounts add up within a currency, the reporting amount
-- over all; grades don't. Work that goes on shows what it has cost so far.

with work_orders as (
    select * from {{ ref('int_work_orders') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

fx as (
    select * from {{ ref('int_fx') }}
)

select
    work_orders.unit_key,
    work_orders.return_line_key,
    work_orders.work_order_no,
    work_orders.receipt_id,
    -- what
    work_orders.work_type,
    work_orders.outcome_grade,
    work_orders.closed_at is null as is_open,
    coalesce(work_orders.site, 'UNATTRIBUTED') as site,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    -- timing
    work_orders.opened_at,
    work_orders.closed_at,
    work_orders.cost_on,
    work_orders.updated_at,
    -- amounts
    work_orders.labour_minutes,
    work_orders.labour_rate,
    work_orders.parts_cost,
    work_orders.cost_amount,
    work_orders.currency,
    {{ to_reporting('work_orders.cost_amount', 'fx.rate') }} as cost_reporting
from work_orders
left join lines on work_orders.return_line_key = lines.return_line_key
left join fx
    on work_orders.currency = fx.currency
    and work_orders.cost_on >= fx.valid_from
    and work_orders.cost_on < fx.valid_to
