-- Grain: one row per return line of goods that was neither declined nor withdrawn. Every key has a row in its
-- dimension; who bought and the product are as of the order. Where a line is and what comes next is in
-- return_tracking. Additive: quantities and reporting amounts; an amount is null where no document has come.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'units'},
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['sales_line_key']}, {'columns': ['received_on']},
        {'columns': ['customer_id']}, {'columns': ['sku']}, {'columns': ['vendor_id']}, {'columns': ['channel']},
        {'columns': ['ship_from_site']}, {'columns': ['site']}, {'columns': ['reason']}, {'columns': ['carrier']},
    ]
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted and {{ in_touched_units('unit_key') }}

),

carriers as (

    {{ carriers_of('lines') }}

),

-- Shares of the sale's value, so that all of its lines re-add to it
came as (

    select receipts.return_line_key, sum(came.returned_amount) as amount
    from {{ ref('kpi_of_receipts') }} as came
    inner join {{ ref('fct_receipt') }} as receipts on came.receipt_id = receipts.receipt_id
    where receipts.sales_line_key is not null and {{ in_touched_units('came.unit_key') }}
    group by receipts.return_line_key

),

credits as (

    select return_line_key, sum(reporting_amount) as amount
    from {{ ref('fct_credit_memo_component') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key

),

costs as (

    select return_line_key, sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key

)

select
    lines.unit_key,
    lines.return_line_key,
    lines.rma_no,
    lines.order_no,
    lines.tracking_no,
    -- keys
    case when sales.is_product and sales.shipped_quantity > 0 then sales.sales_line_key end as sales_line_key,
    coalesce(sales.survivor_customer_id, lines.customer_id, 'UNKNOWN') as customer_id,
    coalesce(lines.sku, 'UNKNOWN') as sku,
    coalesce(lines.vendor_id, 'UNKNOWN') as vendor_id,
    lines.channel,
    lines.ship_from_site,
    lines.site,
    lines.reason,
    coalesce(carriers.carrier, 'UNKNOWN') as carrier,
    -- as of the order
    coalesce(sales.customer_segment, 'UNKNOWN') as customer_segment,
    coalesce(sales.customer_country, 'UNKNOWN') as customer_country,
    {% for column in ['product_category', 'brand', 'style', 'size'] -%}
    coalesce(lines.{{ column }}, 'UNKNOWN') as {{ column }},
    {% endfor -%}
    -- what
    {% for column in ['status', 'resolution', 'is_attributed', 'is_inferred', 'is_blind', 'is_returnless'] -%}
    lines.{{ column }},
    {% endfor -%}
    -- timing
    lines.shipped_on,
    lines.basis_on as begun_on,
    {% for instant, day in [
        ('approved', 'approved'), ('first_scan', 'handed_over'), ('delivered', 'delivered'),
        ('first_received', 'received'), ('first_inspected', 'inspected'), ('last_disposed', 'disposed'),
        ('first_refunded', 'refunded'),
    ] -%}
    {{ business_day('lines.' ~ instant ~ '_at') }} as {{ day }}_on,
    {% endfor -%}
    -- quantities
    {% for step in ['requested', 'approved', 'received', 'disposed', 'refunded'] -%}
    lines.{{ step }}_quantity,
    {% endfor -%}
    -- amounts
    cast(case when lines.line_quantity > 0 then coalesce(came.amount, 0) end as numeric(18, 2)) as returned_reporting,
    cast(credits.amount as numeric(18, 2)) as credited_reporting,
    cast(costs.amount as numeric(18, 2)) as cost_reporting
from lines
left join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
left join carriers on lines.tracking_no = carriers.tracking_no
left join came on lines.return_line_key = came.return_line_key
left join credits on lines.return_line_key = credits.return_line_key
left join costs on lines.return_line_key = costs.return_line_key
