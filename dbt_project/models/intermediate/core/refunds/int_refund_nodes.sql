{{ config(indexes=[{'columns': ['node', 'kind']}]) }}
-- Grain: one row per thing that documents may join: a return line, a refund, a credit memo. A refund or
-- memo that documents name and nobody has is a node as well (is_named_only): it joins those documents.

with entitlements as (
    select * from {{ ref('fct_refund_entitlement') }} where {{ in_refund_units() }}
),

tenders as (
    select * from {{ ref('fct_refund_tender') }} where {{ in_refund_units() }}
),

memos as (
    select * from {{ ref('fct_credit_memo_component') }} where {{ in_refund_units() }}
),

settlements as (
    select * from {{ ref('fct_settlement') }} where {{ in_refund_units() }}
),

found as (
    select
        return_line_key as node, 'line' as kind, min(unit_key) as unit_key, min(order_no) as order_no,
        min(currency) as currency, sum(entitled_amount) as amount, max(accepted_on) as happened_on
    from entitlements
    group by return_line_key
    union all
    select
        'REF:' || refund_id as node, 'refund' as kind, min(unit_key) as unit_key,
        min(order_no) as order_no, min(currency) as currency,
        coalesce(sum(amount) filter (where status not in ('failed', 'canceled')), 0) as amount,
        min(created_on) as happened_on
    from tenders
    group by refund_id
    union all
    select
        'MEM:' || memo_no as node, 'memo' as kind, min(unit_key) as unit_key,
        min(order_no) as order_no, min(currency) as currency, sum(amount) as amount,
        min(posted_on) as happened_on
    from memos
    group by memo_no
),

named as (
    select return_line_key as node, 'line' as kind, unit_key, currency from tenders
    union all
    select return_line_key, 'line' as kind, unit_key, currency from memos
    union all
    select return_line_key, 'line' as kind, unit_key, currency from {{ ref('int_refund_whole_returns') }}
    union all
    select 'REF:' || refund_id as node, 'refund' as kind, unit_key, currency from memos
    union all
    select 'REF:' || refund_id as node, 'refund' as kind, unit_key, currency from settlements
    union all
    select 'MEM:' || reverses_memo_no as node, 'memo' as kind, unit_key, currency from memos
)

select node, kind, unit_key, order_no, currency, amount, happened_on, false as is_named_only
from found
union all
select
    named.node,
    named.kind,
    min(named.unit_key) as unit_key,
    null as order_no,
    min(named.currency) as currency,
    0 as amount,
    null as happened_on,
    true as is_named_only
from named
left join found on named.node = found.node
where named.node is not null and found.node is null
group by named.node, named.kind
