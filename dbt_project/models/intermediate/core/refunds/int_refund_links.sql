-- Grain: one row per pair of nodes that a rung of the match ladder joins by what documents name: refund id,
-- idempotency key, memo or receipt number, RMA or request and order line, or all lines of an RMA or request.

with tenders as (
    select * from {{ ref('fct_refund_tender') }} where {{ in_refund_units() }}
),

memos as (
    select * from {{ ref('fct_credit_memo_component') }} where {{ in_refund_units() }}
),

first_of_key as (
    select idempotency_key, min(refund_id) as refund_id
    from tenders
    where idempotency_key is not null
    group by idempotency_key
),

links as (
    select 'MEM:' || memo_no as from_node, 'REF:' || refund_id as to_node, 'refund_id' as match_rule
    from memos
    where refund_id is not null
    union
    select
        'REF:' || tenders.refund_id as from_node, 'REF:' || first_of_key.refund_id as to_node,
        'idempotency_key' as match_rule
    from tenders
    inner join first_of_key on tenders.idempotency_key = first_of_key.idempotency_key
    where tenders.refund_id <> first_of_key.refund_id
    union
    select
        'MEM:' || memo_no as from_node, 'MEM:' || reverses_memo_no as to_node, 'memo_no' as match_rule
    from memos
    where reverses_memo_no is not null
    union
    select
        'MEM:' || memo_no as from_node, return_line_key as to_node,
        case
            when match_rule in ('order_line', 'order_sku') then 'order_line'
            when match_rule = 'receipt' then 'receipt'
            else 'rma_line'
        end as match_rule
    from memos
    where return_line_key is not null and match_rule in ('rma', 'receipt', 'order_line', 'order_sku')
    union
    select
        'REF:' || refund_id as from_node, return_line_key as to_node,
        case match_rule when 'order_line' then 'order_line' else 'rma_line' end as match_rule
    from tenders
    where return_line_key is not null and match_rule in ('request', 'rma', 'order_line')
    union
    select node as from_node, return_line_key as to_node, 'whole_return' as match_rule
    from {{ ref('int_refund_whole_returns') }}
)

select links.from_node, links.to_node, links.match_rule, rules.rung, rules.confidence
from links
inner join {{ ref('refund_match_rules') }} as rules on links.match_rule = rules.match_rule
