-- Grain: one row per return line: where it is and since when. What return_tracking shows, without what
-- the clock adds, so that only lines that the night touched are written anew. Goods only: nobody waits for a
-- discount to be graded. Additive: quantities and reporting amounts. Other amounts are in the row's
-- currency, never summed across them.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['status', 'in_status_since']},
             {'columns': ['order_no']}, {'columns': ['customer_id']}, {'columns': ['rma_no']}]
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_product and {{ in_touched_units('unit_key') }}

),

-- The same money as on the line, in the reporting currency
money as (

    select
        return_line_key,
        sum(credited) as credited_reporting,
        sum(settled) as settled_reporting,
        sum(refunded) as refunded_reporting
    from (
        select return_line_key, reporting_amount as credited, 0 as settled, 0 as refunded
        from {{ ref('fct_credit_memo_component') }}
        where {{ in_touched_units('unit_key') }}
        union all
        select return_line_key, 0 as credited, -reporting_gross_amount as settled, 0 as refunded
        from {{ ref('fct_settlement') }}
        where status = 'succeeded' and type in ('refund', 'refund_failure')
            and {{ in_touched_units('unit_key') }}
        union all
        select return_line_key, 0 as credited, 0 as settled, reporting_amount as refunded
        from {{ ref('fct_refund_tender') }}
        where status = 'succeeded' and {{ in_touched_units('unit_key') }}
    ) as movements
    group by return_line_key

),

-- What a step takes at most before somebody should look; days.
limits as (

    select *
    from (
        values
        ('REQUESTED', 2, 'decide the request'),
        ('APPROVED', 14, 'customer hands the parcel to the carrier'),
        ('IN_TRANSIT', 10, 'carrier delivers to the site'),
        ('PARTIALLY_RECEIVED', 14, 'receive the missing units or close the line short'),
        {% if end_of_goods() == 'disposed' -%}
        ('RECEIVED', 3, 'inspect and grade'), ('INSPECTED', 5, 'decide the disposition'),
        {%- elif end_of_goods() == 'inspected' -%}
        ('RECEIVED', 3, 'inspect and grade'), ('INSPECTED', 14, 'refund or close'),
        {%- else -%}
        ('RECEIVED', 14, 'refund or close'),
        {%- endif %}
        ('IN_PROCESS', 21, 'finish the work and decide the final disposition')
    ) as l (status, limit_days, next_step)

)

select
    lines.unit_key,
    lines.return_line_key,
    lines.status,
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
    limits.next_step,
    limits.limit_days,
    lines.open_quantity > 0 as is_open,
    lines.request_id,
    lines.request_line,
    lines.rma_no,
    lines.rma_line_no,
    lines.order_no,
    lines.order_line_no,
    lines.tracking_no,
    lines.customer_id,
    -- what
    {% for column in [
        'sku', 'product_category', 'brand', 'channel', 'ship_from_site', 'site', 'reason', 'fault_party',
        'resolution', 'is_blind', 'is_returnless', 'has_illegal_transition',
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
    cast(coalesce(money.credited_reporting, 0) as numeric(18, 2)) as credited_reporting,
    cast(coalesce(money.settled_reporting, 0) as numeric(18, 2)) as settled_reporting,
    cast(coalesce(money.refunded_reporting, 0) as numeric(18, 2)) as refunded_reporting
from lines
left join money on lines.return_line_key = money.return_line_key
left join limits on lines.status = limits.status
