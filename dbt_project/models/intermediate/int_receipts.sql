{{ config(indexes=[
    {'columns': ['receipt_id'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']},
]) }}
-- Grain: one row per receipt of the touched units. A receipt with a known RMA belongs to its return
-- line; without one it is blind, and its own return line. A blind receipt that names its order is
-- attributed to the order's line where exactly one line holds the SKU.

with receipts as (
    {{ working_set(ref('stg_wms__return_receipts'), [
        'order_no in ' ~ touched_units(),
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'receipt_id in (' ~ lone_units('RCV:') ~ ')',
    ]) }}
),

-- The RMA line named, else the RMA's first line of that SKU, else its first line
matches as (
    select
        receipts.receipt_id,
        rma.unit_key,
        rma.rma_no,
        rma.rma_line_no,
        row_number() over (
            partition by receipts.receipt_id
            order by
                case when rma.rma_line_no = receipts.rma_line_no then 0 else 1 end,
                case when rma.sku = receipts.sku then 0 else 1 end,
                rma.rma_line_no
        ) as rank_of_match
    from receipts
    inner join {{ ref('int_rma_units') }} as rma
        on receipts.rma_no = rma.rma_no
        and (receipts.rma_line_no is null or receipts.rma_line_no = rma.rma_line_no)
),

placed as (
    select
        receipts.*,
        coalesce(matches.unit_key, receipts.order_no, 'RCV:' || receipts.receipt_id) as unit_key,
        matches.rma_no as known_rma_no,
        matches.rma_line_no as known_rma_line_no
    from receipts
    left join matches on receipts.receipt_id = matches.receipt_id and matches.rank_of_match = 1
),

-- The one line of an order that holds a SKU; void lines were never shipped
single_lines as (
    select order_no, sku, min(line_no) as line_no
    from {{ ref('int_sales_lines') }}
    where not is_void
    group by order_no, sku
    having count(*) = 1
),

rma_lines as (
    select * from {{ ref('int_rma_lines') }}
)

select
    placed.unit_key,
    coalesce(rma_lines.return_line_key, 'RCV:' || placed.receipt_id) as return_line_key,
    placed.receipt_id,
    rma_lines.rma_no is null as is_blind,
    coalesce(rma_lines.rma_no, placed.rma_no) as rma_no,
    coalesce(rma_lines.rma_line_no, placed.rma_line_no) as rma_line_no,
    case when rma_lines.rma_no is null then placed.order_no else rma_lines.order_no end as order_no,
    case when rma_lines.rma_no is null then single_lines.line_no else rma_lines.order_line_no end
        as order_line_no,
    placed.tracking_no,
    placed.sku,
    placed.quantity,
    placed.lot_no,
    placed.serial_no,
    placed.site,
    placed.received_at,
    placed.received_on,
    placed.weight_g
from placed
left join rma_lines
    on placed.known_rma_no = rma_lines.rma_no and placed.known_rma_line_no = rma_lines.rma_line_no
left join single_lines
    on rma_lines.rma_no is null
    and placed.order_no = single_lines.order_no
    and placed.sku = single_lines.sku
where {{ in_touched_units('placed.unit_key') }}
