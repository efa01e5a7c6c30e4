{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per return request line, with the order that it or else its RMA names, and the unit it
-- belongs to: that order, else the request itself.

with requests as (
    select
        request.*,
        coalesce(
            request.order_no,
            (
                select min(rma.order_no)
                from {{ ref('stg_erp__return_authorizations') }} as rma
                where rma.request_id = request.request_id
            )
        ) as known_order_no
    from {{ ref('stg_crm__return_requests') }} as request
)

select *, coalesce(known_order_no, 'REQ:' || request_id) as unit_key
from requests
