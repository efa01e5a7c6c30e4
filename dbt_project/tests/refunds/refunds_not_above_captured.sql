-- Refunds that did not fail are at most what the order brought in, but for the cents that exceptions of
-- the order's groups name: no refund beyond the order passes unseen.
{{ config(meta={'failure_means': 'More was refunded for an order than it brought in, and no exception says so.'}) }}
with refunded as (
    select order_no, currency, sum(amount) as amount
    from {{ ref('fct_refund_tender') }}
    where status not in ('failed', 'canceled') and order_no is not null
        and created_on <= {{ as_of_date() }} and {{ touched_only() }}
    group by order_no, currency
),

captured as (
    select order_no, currency, sum(net_amount + tax_amount + shipping_amount) as amount
    from {{ ref('fct_sales_line') }}
    where not is_void and {{ touched_only() }}
    group by order_no, currency
),

groups_of_order as (
    select distinct tenders.order_no, bridge.group_key
    from {{ ref('fct_refund_tender') }} as tenders
    inner join {{ ref('bridge_refund_document') }} as bridge
        on bridge.document_type = 'refund' and tenders.refund_id = bridge.document_no
    where tenders.order_no in (select order_no from refunded)
),

-- Beyond what the goods entitle to, by exceptions
named as (
    select groups_of_order.order_no, -sum(exceptions.amount) as amount
    from groups_of_order
    inner join {{ ref('refund_exceptions') }} as exceptions
        on groups_of_order.group_key = exceptions.group_key
    where exceptions.gap in ('E-M', 'M-T')
    group by groups_of_order.order_no
)

select
    refunded.order_no,
    refunded.currency,
    refunded.amount as refunded_amount,
    coalesce(captured.amount, 0) as captured_amount,
    coalesce(named.amount, 0) as named_amount
from refunded
left join captured
    on refunded.order_no = captured.order_no and refunded.currency = captured.currency
left join named on refunded.order_no = named.order_no
where refunded.amount > coalesce(captured.amount, 0) + greatest(coalesce(named.amount, 0), 0)
