{{ config(indexes=[{'columns': ['receipt_id']}]) }}
-- Grain: one row per receipt that names an order of the touched units and no RMA that is known, and what it may
-- answer: a request line without an RMA that asked for the SKU on that order before, or an RMA line that allowed
-- it. `turn` is the receipt's place among those of the order and SKU, oldest first.

with requests as (
    select * from {{ ref('int_requests') }}
    where order_no is not null and sku is not null
        and return_line_key not in (select return_line_key from {{ ref('int_rma_lines') }})
),

rma_lines as (
    select
        *,
        sum(quantity_authorized) over (
            partition by rma_no, sku order by rma_line_no rows between unbounded preceding and current row
        ) - quantity_authorized as units_before
    from {{ ref('int_rma_lines') }}
    where order_no = unit_key and sku is not null and not is_void
),

-- What came under an RMA's number: with that of its line, or without
named as (
    select rma_no, rma_line_no, case when rma_line_no is null then sku end as sku, sum(quantity) as quantity
    from {{ ref('stg_wms__return_receipts') }}
    where rma_no in (select rma_no from rma_lines)
    group by rma_no, rma_line_no, case when rma_line_no is null then sku end
),

authorized as (
    select
        lines.*,
        lines.quantity_authorized
        - coalesce(of_line.quantity, 0)
        - {{ up_to('coalesce(of_sku.quantity, 0) - lines.units_before', 'lines.quantity_authorized') }} as units_left
    from rma_lines as lines
    left join named as of_line on lines.rma_no = of_line.rma_no and lines.rma_line_no = of_line.rma_line_no
    left join named as of_sku
        on lines.rma_no = of_sku.rma_no and lines.sku = of_sku.sku and of_sku.rma_line_no is null
),

asked as (
    select
        unit_key, return_line_key, cast(null as text) as rma_no, cast(null as bigint) as rma_line_no,
        order_line_no, sku, quantity, requested_at as asked_at, decision in ('DECLINED', 'CANCELLED') as is_refused,
        request_id, request_line
    from requests
    union all
    select
        unit_key, return_line_key, rma_no, rma_line_no, order_line_no, sku, units_left as quantity,
        authorized_at as asked_at, false as is_refused, rma_no as request_id, rma_line_no as request_line
    from authorized
    where units_left > 0
),

receipts as (
    select * from {{ ref('stg_wms__return_receipts') }}
    where order_no in (select unit_key from asked)
),

with_rma as (
    select receipts.receipt_id
    from receipts
    inner join {{ ref('int_rma_units') }} as rma
        on receipts.rma_no = rma.rma_no
        and (receipts.rma_line_no is null or receipts.rma_line_no = rma.rma_line_no)
)

select
    asked.unit_key,
    asked.sku,
    receipts.receipt_id,
    dense_rank() over (
        partition by asked.unit_key, asked.sku order by receipts.received_at, receipts.receipt_id
    ) as turn,
    receipts.quantity,
    asked.return_line_key,
    asked.rma_no,
    asked.rma_line_no,
    asked.order_line_no,
    asked.quantity as request_quantity,
    -- what was agreed to before what was refused or withdrawn, then the nearest in time
    row_number() over (
        partition by receipts.receipt_id
        order by asked.is_refused asc, asked.asked_at desc, asked.request_id asc, asked.request_line asc
    ) as rank_of_request
from receipts
inner join asked
    on receipts.order_no = asked.unit_key
    and receipts.sku = asked.sku
    and receipts.received_at >= asked.asked_at
where receipts.receipt_id not in (select receipt_id from with_rma)
