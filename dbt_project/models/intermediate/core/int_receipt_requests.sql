{{ config(indexes=[{'columns': ['receipt_id'], 'unique': true}]) }}
-- Grain: one row per receipt of the touched units that answers a request, or an RMA, that it doesn't name: both
-- name the order and the SKU. The receipts of an order and SKU take their turns from the oldest on: each takes the
-- whole of its units from the nearest of them that has as many left, and what it took is gone for the next.

with recursive candidates as (
    select * from {{ ref('int_receipt_request_candidates') }}
),

receipts as (
    select distinct unit_key, sku, receipt_id, turn, quantity from candidates
),

-- `taken`: what the turns up to this one took, by RMA line or request line
turns as (
    select
        unit_key,
        sku,
        cast(0 as bigint) as turn,
        cast(null as text) as receipt_id,
        cast(null as text) as return_line_key,
        cast(null as bigint) as order_line_no,
        cast(null as text) as rma_no,
        cast(null as bigint) as rma_line_no,
        cast('{}' as jsonb) as taken
    from receipts
    where turn = 1
    union all
    select
        receipts.unit_key,
        receipts.sku,
        receipts.turn,
        receipts.receipt_id,
        request.return_line_key,
        request.order_line_no,
        request.rma_no,
        request.rma_line_no,
        case
            when request.asked_key is null then turns.taken
            else turns.taken || jsonb_build_object(
                request.asked_key, coalesce(cast(turns.taken ->> request.asked_key as numeric), 0) + receipts.quantity
            )
        end as taken
    from turns
    inner join receipts
        on turns.unit_key = receipts.unit_key and turns.sku = receipts.sku and turns.turn + 1 = receipts.turn
    left join lateral (
        select candidate.*
        from (
            select *, coalesce(rma_no || '-' || rma_line_no, return_line_key) as asked_key from candidates
        ) as candidate
        where candidate.receipt_id = receipts.receipt_id
            and candidate.request_quantity
            - coalesce(cast(turns.taken ->> candidate.asked_key as numeric), 0) >= receipts.quantity
        order by candidate.rank_of_request
        limit 1
    ) as request on true
)

select unit_key, receipt_id, return_line_key, order_line_no, rma_no, rma_line_no
from turns
where return_line_key is not null
