{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per refund tender, with the unit it belongs to: its order, its request's, its RMA's.

select
    refund.*,
    coalesce(
        refund.order_no,
        (
            select min(request.unit_key)
            from {{ ref('int_request_units') }} as request
            where request.request_id = refund.request_id
        ),
        (
            select min(rma.unit_key)
            from {{ ref('int_rma_units') }} as rma
            where rma.rma_no = refund.rma_no
        ),
        'RFD:' || refund.refund_id
    ) as unit_key
from {{ ref('stg_crm__refunds') }} as refund
