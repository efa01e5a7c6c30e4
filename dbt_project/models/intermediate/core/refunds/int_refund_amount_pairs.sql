-- Grain: one row per pair that the last rung of the ladder may join: a credit memo or a refund that
-- names nothing known, and a refund, memo or return line of the same order, with the same amount and
-- currency within 5 days, that has none. It joins where either side has exactly one candidate of the
-- other's kind (is_single); otherwise the document stays open between its candidates.

with nodes as (
    select nodes.*, components.component
    from {{ ref('int_refund_nodes') }} as nodes
    inner join {{ ref('int_refund_components') }} as components on nodes.node = components.node
    where not nodes.is_named_only and nodes.amount > 0
),

contents as (
    select
        components.component,
        bool_or(nodes.kind = 'line') as has_line,
        bool_or(nodes.kind = 'refund') as has_refund,
        bool_or(nodes.kind = 'memo') as has_memo
    from {{ ref('int_refund_components') }} as components
    inner join {{ ref('int_refund_nodes') }} as nodes on components.node = nodes.node
    group by components.component
),

described as (
    select nodes.*, contents.has_line, contents.has_refund, contents.has_memo
    from nodes
    inner join contents on nodes.component = contents.component
),

pairs as (
    select
        asking.node as from_node,
        asking.kind as from_kind,
        asking.component as from_component,
        offered.node as to_node,
        offered.kind as to_kind,
        offered.component as to_component
    from described as asking
    inner join described as offered
        on asking.order_no = offered.order_no
        and asking.currency = offered.currency
        and asking.amount = offered.amount
        and asking.component <> offered.component
        and abs(asking.happened_on - offered.happened_on) <= 5
    where (
        asking.kind = 'memo' and not asking.has_line and not asking.has_refund
        and offered.kind in ('refund', 'line') and not offered.has_memo
    )
    or (
        asking.kind = 'refund' and not asking.has_line and not asking.has_memo
        and offered.kind = 'line' and not offered.has_refund
    )
),

offers as (
    select from_component, to_kind, count(distinct to_component) as offers
    from pairs
    group by from_component, to_kind
),

requests as (
    select to_component, to_kind, from_kind, count(distinct from_component) as requests
    from pairs
    group by to_component, to_kind, from_kind
)

select
    pairs.from_node,
    pairs.to_node,
    'order_amount' as match_rule,
    offers.offers = 1 and requests.requests = 1 as is_single
from pairs
inner join offers
    on pairs.from_component = offers.from_component and pairs.to_kind = offers.to_kind
inner join requests
    on pairs.to_component = requests.to_component
    and pairs.to_kind = requests.to_kind
    and pairs.from_kind = requests.from_kind
