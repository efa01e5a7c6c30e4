-- Refunds that did not fail are at most what the order brought in, but for the cents that exceptions of
-- the order's groups name: no refund beyond the order passes unseen. A refund in another currency than its
-- order's counts in that one, at the rate of its day.
{{ config(meta={'failure_means': 'More was refunded for an order than it brought in, and no exception says so.'}) }}
with captured as (
    select order_no, currency, sum(net_amount + tax_amount + shipping_amount) as amount
    from {{ ref('fct_sales_line') }}
    where not is_void and {{ touched_only() }}
    group by order_no, currency
),

orders as (
    select order_no, min(currency) as currency, array_agg(currency) as currencies
    from captured
    group by order_no
),

tenders as (
    select
        tenders.order_no, tenders.amount, tenders.currency, tenders.created_on,
        case
            when tenders.currency = any(orders.currencies) then tenders.currency
            else coalesce(orders.currency, tenders.currency)
        end as order_currency
    from {{ ref('fct_refund_tender') }} as tenders
    left join orders on tenders.order_no = orders.order_no
    where tenders.status not in ('failed', 'canceled') and tenders.order_no is not null
        and tenders.created_on <= {{ as_of_date() }} and {{ touched_only('tenders.unit_key') }}
),

refunded as (
    select
        order_no,
        order_currency as currency,
        sum({{ in_currency('tenders.amount', 'tenders.currency', 'tenders.order_currency', 'tenders.created_on') }})
            as amount
    from tenders
    group by order_no, order_currency
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
