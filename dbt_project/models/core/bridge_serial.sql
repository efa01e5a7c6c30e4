{{ config(indexes=[
    {'columns': ['receipt_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['serial_no']}, {'columns': ['return_line_key']},
]) }}
-- Grain: one row per receipt that carries a serial number, with the sales line that shipped it. Where
-- several did, the return's own line stands, then its order's, then the last that shipped it before
-- the receipt. Flags are evidence, not a verdict. Quantities add up.

with receipts as (
    select receipts.*, lines.sales_line_key
    from {{ ref('int_receipts') }} as receipts
    inner join {{ ref('int_return_lines') }} as lines
        on receipts.return_line_key = lines.return_line_key
    where receipts.serial_no is not null
),

shipped as (
    select order_no, order_no || '-' || line_no as sales_line_key, shipped_at, serial_no
    from {{ ref('stg_erp__sales_lines') }}
    cross join lateral unnest(serial_nos) as serials (serial_no)
    {% if not is_full_build() -%}
    where serial_nos && (select array_agg(serial_no) from receipts)
    {%- endif %}
),

matches as (
    select
        receipts.receipt_id,
        shipped.sales_line_key,
        shipped.order_no,
        row_number() over (
            partition by receipts.receipt_id
            order by
                case
                    when shipped.sales_line_key = receipts.sales_line_key then 0
                    when shipped.order_no = receipts.order_no then 1
                    when shipped.shipped_at <= receipts.received_at then 2
                    else 3
                end asc,
                shipped.shipped_at desc nulls last,
                shipped.sales_line_key asc
        ) as rank_of_match
    from receipts
    inner join shipped on receipts.serial_no = shipped.serial_no
),

-- every receipt of the same serial number, whichever order it belongs to
sightings as (
    select
        receipt_id,
        lag(receipt_id) over (
            partition by serial_no order by received_at, receipt_id
        ) as previous_receipt_id
    from {{ ref('stg_wms__return_receipts') }}
    where serial_no is not null
        {% if not is_full_build() -%}
        and serial_no in (select serial_no from receipts)
        {%- endif %}
)

select
    receipts.unit_key,
    receipts.return_line_key,
    receipts.receipt_id,
    receipts.serial_no,
    receipts.quantity,
    receipts.sales_line_key,
    matches.sales_line_key as shipped_by_sales_line_key,
    sightings.previous_receipt_id,
    -- evidence
    receipts.sales_line_key is not null as is_sale_known,
    coalesce(matches.sales_line_key = receipts.sales_line_key, false) as is_shipped_on_line,
    coalesce(matches.order_no = receipts.order_no, false) as is_shipped_to_order,
    matches.receipt_id is null as is_never_shipped,
    coalesce(matches.order_no <> receipts.order_no, false) as is_from_other_order,
    sightings.previous_receipt_id is not null as is_received_before,
    receipts.sales_line_key is not null and (
        matches.sales_line_key is distinct from receipts.sales_line_key
        or sightings.previous_receipt_id is not null
    ) as is_mismatch
from receipts
left join matches on receipts.receipt_id = matches.receipt_id and matches.rank_of_match = 1
left join sightings on receipts.receipt_id = sightings.receipt_id
