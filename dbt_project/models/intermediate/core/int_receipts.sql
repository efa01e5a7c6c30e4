{{ config(indexes=[
    {'columns': ['receipt_id'], 'unique': true}, {'columns': ['unit_key']}, {'columns': ['return_line_key']},
]) }}
-- Grain: one row per receipt of the touched units. A receipt with a known RMA belongs to its return line;
-- one without, to that of the request or RMA of its order which it answers; else it is blind, and its own return line.

with receipts as (
    {{ working_set(ref('stg_wms__return_receipts'), [
        'order_no in ' ~ touched_units(),
        'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
        'receipt_id in (' ~ lone_units('RCV:') ~ ')',
    ]) }}
),

-- Units received before it under the same RMA and SKU, where the RMA line is not named
received as (
    select
        *,
        sum(quantity) over (
            partition by rma_no, rma_line_no, sku order by received_at, receipt_id rows unbounded preceding
        ) - quantity as units_before
    from receipts
),

rma_units as (
    select
        *,
        sum(case when is_void then 0 else quantity_authorized end) over (
            partition by rma_no, sku order by rma_line_no
            rows between unbounded preceding and current row
        ) as units_upto
    from {{ ref('int_rma_units') }}
    where rma_no in (select rma_no from receipts)
),

-- The RMA line named, else the RMA's first line of that SKU with units to come, else its last; else the
-- RMA's first line
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
                case when rma.sku = receipts.sku and receipts.units_before >= rma.units_upto
                    then 1 else 0 end,
                case when rma.sku = receipts.sku and receipts.units_before >= rma.units_upto
                    then -rma.rma_line_no else rma.rma_line_no end
        ) as rank_of_match
    from received as receipts
    inner join rma_units as rma
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

scans as (
    {{ scans_of_parcels('placed') }}
)

select
    placed.unit_key,
    coalesce(
        rma_lines.return_line_key, requests.return_line_key, 'RCV:' || placed.receipt_id
    ) as return_line_key,
    case
        when rma_lines.rma_no is not null then 'rma'
        when requests.rma_no is not null then 'rma_of_order'
        when requests.return_line_key is not null then 'request'
        else 'none'
    end as match_rule,
    placed.receipt_id,
    rma_lines.rma_no is null and requests.return_line_key is null as is_blind,
    coalesce(rma_lines.rma_no, requests.rma_no, placed.rma_no) as rma_no,
    coalesce(rma_lines.rma_line_no, requests.rma_line_no, placed.rma_line_no) as rma_line_no,
    case when rma_lines.rma_no is null then placed.order_no else rma_lines.order_no end as order_no,
    coalesce(rma_lines.order_line_no, requests.order_line_no) as order_line_no,
    placed.tracking_no, scans.first_scan_at, scans.delivered_at,
    placed.customer_id, placed.sku, placed.quantity, placed.lot_no, placed.serial_no,
    placed.site, placed.received_at, placed.received_on, placed.weight_g
from placed
left join {{ ref('int_rma_lines') }} as rma_lines
    on placed.known_rma_no = rma_lines.rma_no and placed.known_rma_line_no = rma_lines.rma_line_no
left join {{ ref('int_receipt_requests') }} as requests on placed.receipt_id = requests.receipt_id
left join scans on placed.tracking_no = scans.tracking_no
where {{ in_touched_units('placed.unit_key') }}
