-- Grain: one row per return line: where it is and since when. What return_tracking shows, without what
-- the clock adds, so that only lines that the night touched are written anew. Goods only: nobody waits for a
-- discount to be graded. Additive: quantities and reporting amounts. Other amounts are in the row's
-- currency, never summed across them.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['status', 'in_status_since']},
             {'columns': ['order_no']}, {'columns': ['customer_id']}, {'columns': ['rma_no']}, {'columns': ['sku']}]
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

limits as (

    {{ limits_of_statuses() }}

)

select
    lines.unit_key, lines.return_line_key, lines.status,
    coalesce(
        case
            when lines.status = 'REQUESTED' then lines.requested_at
            when lines.status = 'APPROVED' then lines.approved_at
            when lines.status = 'IN_TRANSIT' then lines.first_scan_at
            when lines.status in ('PARTIALLY_RECEIVED', 'RECEIVED') then lines.last_received_at
            when lines.status in ('INSPECTED', 'IN_PROCESS') then lines.last_inspected_at
            when lines.status = 'DISPOSED' then lines.last_disposed_at
            when lines.status = 'CLOSED' then lines.closed_at
            when lines.status = 'DECLINED' then lines.declined_at
            when lines.status = 'CANCELLED' then lines.cancelled_at
            when lines.status = 'EXPIRED' then lines.expired_at
        end,
        lines.basis_at
    ) as in_status_since,
    limits.next_step, limits.limit_days, lines.open_quantity > 0 as is_open,
    -- keys
    {% for column in [
        'request_id', 'request_line', 'rma_no', 'rma_line_no', 'order_no', 'order_line_no', 'tracking_no',
        'customer_id',
    ] -%}
    lines.{{ column }},
    {% endfor -%}
    -- what
    {% for column in [
        'sku', 'product_category', 'brand', 'channel', 'ship_from_site', 'site', 'reason', 'fault_party',
        'resolution', 'is_blind', 'is_inferred', 'is_returnless', 'has_illegal_transition',
    ] -%}
    lines.{{ column }},
    {% endfor -%}
    -- timing
    {% for step in [
        'requested', 'approved', 'first_received', 'first_inspected', 'last_disposed', 'first_refunded',
    ] -%}
    lines.{{ step }}_at,
    {% endfor -%}
    lines.expires_at,
    lines.first_scan_at,
    lines.delivered_at,
    -- quantities
    {% for step in [
        'requested', 'approved', 'received', 'inspected', 'disposed', 'refunded', 'open',
    ] -%}
    lines.{{ step }}_quantity,
    {% endfor -%}
    -- amounts
    lines.currency,
    lines.credited_amount,
    lines.settled_amount,
    lines.refunded_amount,
    {%- for amount in ['credited_reporting', 'settled_reporting', 'refunded_reporting'] %}
    cast(coalesce(money.{{ amount }}, 0) as numeric(18, 2)) as {{ amount }}{{ ',' if not loop.last }}
    {%- endfor %}
from lines
left join {{ ref('return_line_money') }} as money
    on lines.unit_key = money.unit_key and lines.return_line_key = money.return_line_key
-- Goods that wait for nothing may still wait for their money
left join limits
    on
        lines.status = limits.status
        and (lines.open_quantity > 0 or lines.status = '{{ end_of_goods() | upper }}')
