{{ config(indexes=[{'columns': ['rma_no', 'rma_line_no']}]) }}
-- Grain: one row per RMA line of the touched units whose request line is known: the request's line with
-- the same order line; where either names none, the one with the same SKU, first with first where several
-- have it; where the request names neither, its only line, or line by line where both have as many. Two
-- RMAs may answer the same request line.

with requests as (
    select
        *,
        row_number() over (by_sku order by request_line) as place_of_sku,
        count(*) over by_sku as lines_of_sku,
        row_number() over (by_request order by request_line) as place,
        count(*) over by_request as lines
    from {{ ref('int_requests') }}
    window
        by_sku as (partition by request_id, sku),
        by_request as (partition by request_id)
),

rmas as (
    select
        *,
        row_number() over (by_sku order by rma_line_no) as place_of_sku,
        row_number() over (by_rma order by rma_line_no) as place,
        count(*) over by_rma as lines
    from {{ ref('int_rma_units') }}
    where request_id in (select request_id from {{ ref('int_requests') }})
    window
        by_sku as (partition by rma_no, request_id, sku),
        by_rma as (partition by rma_no, request_id)
),

candidates as (
    select
        rmas.unit_key,
        rmas.rma_no,
        rmas.rma_line_no,
        requests.request_id,
        requests.request_line,
        requests.order_no,
        requests.order_line_no,
        row_number() over (
            partition by rmas.rma_no, rmas.rma_line_no
            order by
                case when rmas.order_line_no = requests.order_line_no then 0 else 1 end,
                case when rmas.sku = requests.sku then 0 else 1 end,
                requests.request_line
        ) as rank_of_match
    from rmas
    inner join requests
        on rmas.request_id = requests.request_id
        and rmas.unit_key = requests.unit_key
        and (
            rmas.order_line_no = requests.order_line_no
            or (
                (rmas.order_line_no is null or requests.order_line_no is null)
                and (
                    (
                        rmas.sku = requests.sku
                        and least(rmas.place_of_sku, requests.lines_of_sku) = requests.place_of_sku
                    )
                    or (
                        requests.sku is null
                        and (
                            requests.lines = 1
                            or (rmas.lines = requests.lines and rmas.place = requests.place)
                        )
                    )
                )
            )
        )
)

select unit_key, rma_no, rma_line_no, request_id, request_line, order_no, order_line_no
from candidates
where rank_of_match = 1
