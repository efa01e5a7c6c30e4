{{ config(indexes=[
    {'columns': ['rma_line_key'], 'unique': true}, {'columns': ['unit_key']},
    {'columns': ['return_line_key']}, {'columns': ['tracking_no']},
]) }}
-- Grain: one row per RMA line. Several may serve one return line (a label issued again).

with rmas as (
    select * from {{ ref('int_rma_lines') }}
),

lines as (
    select * from {{ ref('int_return_lines') }}
),

reasons as (
    select * from {{ ref('reasons') }}
)

select
    rmas.unit_key,
    rmas.return_line_key,
    rmas.rma_line_key,
    rmas.rma_no,
    rmas.rma_line_no,
    rmas.order_no,
    rmas.order_line_no,
    rmas.request_id,
    rmas.tracking_no,
    -- what
    rmas.sku,
    {{ is_product('rmas.sku') }} as is_product,
    rmas.quantity_authorized,
    rmas.source_reason_code,
    rmas.reason,
    reasons.fault_party,
    rmas.resolution,
    rmas.source_status,
    rmas.is_void,
    lines.channel,
    lines.product_category,
    lines.ship_from_site,
    -- timing
    rmas.authorized_at,
    rmas.authorized_on,
    rmas.expires_at,
    rmas.label_first_used_at,
    rmas.updated_at
from rmas
inner join lines on rmas.return_line_key = lines.return_line_key
left join reasons on rmas.reason = reasons.reason
