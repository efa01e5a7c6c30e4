-- Grain: one row per refund or credit memo that names a request or an RMA but none of its lines, and return
-- line of that request or RMA: the document is for all of them.

with lines as (
    select unit_key, return_line_key, request_id
    from {{ ref('fct_return_line') }}
    where is_counted and {{ in_refund_units() }}
),

returns as (
    select unit_key, return_line_key, 'request' as named_by, request_id as return_no
    from lines
    where request_id is not null
    union
    select lines.unit_key, lines.return_line_key, 'rma' as named_by, rma.rma_no as return_no
    from lines
    inner join {{ ref('fct_rma_line') }} as rma on lines.return_line_key = rma.return_line_key
),

documents as (
    select 'REF:' || refund_id as node, unit_key, currency, 'request' as named_by, request_id as return_no
    from {{ ref('fct_refund_tender') }}
    where return_line_key is null and order_line_no is null and {{ in_refund_units() }}
    union
    select 'REF:' || refund_id as node, unit_key, currency, 'rma' as named_by, rma_no as return_no
    from {{ ref('fct_refund_tender') }}
    where return_line_key is null and order_line_no is null and {{ in_refund_units() }}
    union
    select 'MEM:' || memo_no as node, unit_key, currency, 'rma' as named_by, rma_no as return_no
    from {{ ref('fct_credit_memo_component') }}
    where return_line_key is null and order_line_no is null and rma_line_no is null and sku is null
        and {{ in_refund_units() }}
)

select distinct documents.node, documents.unit_key, documents.currency, returns.return_line_key
from documents
inner join returns
    on documents.unit_key = returns.unit_key
    and documents.named_by = returns.named_by
    and documents.return_no = returns.return_no
