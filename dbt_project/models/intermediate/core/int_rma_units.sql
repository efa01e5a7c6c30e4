{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per RMA line, with the unit it belongs to: its order, else its request's.

select
    rma.*,
    coalesce(
        rma.order_no,
        (
            select min(request.order_no)
            from {{ ref('stg_crm__return_requests') }} as request
            where request.request_id = rma.request_id
        ),
        'REQ:' || rma.request_id,
        'RMA:' || rma.rma_no
    ) as unit_key
from {{ ref('stg_erp__return_authorizations') }} as rma
