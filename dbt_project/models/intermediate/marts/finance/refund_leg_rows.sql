{{ config(materialized='table', indexes=[{'columns': ['group_key']}, {'columns': ['item', 'leg']}]) }}
-- Grain: one row per row of a feed that a leg is made of, of the groups computed anew: entitlements (E),
-- memo components (M), refund tenders (T), movements of cash (P), and postings of refunds (G) and of memos
-- (GM) on the refund liability. Signed as its leg: what goes to the customer is positive. Not published.

with bridge as (
    select * from {{ ref('bridge_refund_document') }} where {{ in_refund_units() }}
),

entitlements as (
    select
        bridge.unit_key, bridge.group_key, 'E' as leg, 'E:' || fact.return_line_key || '/'
        || fact.acceptance as document_key, 'return' as document_type,
        fact.acceptance as document_no, fact.return_line_key as item, fact.return_line_key,
        null as component, fact.entitled_amount as amount, fact.currency,
        fact.accepted_on as effective_on, {{ fiscal_period('fact.accepted_on') }} as period
    from bridge
    inner join {{ ref('fct_refund_entitlement') }} as fact
        on bridge.document_type = 'return_line' and bridge.document_no = fact.return_line_key
),

memos as (
    select
        bridge.unit_key, bridge.group_key, 'M' as leg, 'M:' || fact.memo_component_key as document_key,
        'memo' as document_type, fact.memo_no as document_no, 'MEM:' || fact.memo_no as item,
        fact.return_line_key, fact.component, fact.amount, fact.currency,
        fact.posted_on as effective_on, {{ fiscal_period('fact.posted_on') }} as period
    from bridge
    inner join {{ ref('fct_credit_memo_component') }} as fact
        on bridge.document_type = 'memo' and bridge.document_no = fact.memo_no
        and bridge.unit_key = fact.unit_key
),

tenders as (
    select
        bridge.unit_key, bridge.group_key, 'T' as leg, 'T:' || fact.refund_tender_key as document_key,
        'refund' as document_type, fact.refund_id as document_no, 'REF:' || fact.refund_id as item,
        fact.return_line_key, fact.tender as component, fact.amount, fact.currency,
        fact.created_on as effective_on, {{ fiscal_period('fact.created_on') }} as period
    from bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    where fact.status not in ('failed', 'canceled')
),

settlements as (
    select
        bridge.unit_key, bridge.group_key, 'P' as leg, 'P:' || fact.settlement_id as document_key,
        fact.type as document_type, fact.settlement_id as document_no,
        case when fact.type = 'chargeback' or fact.refund_id is null then 'SET:' || fact.settlement_id
            else 'REF:' || fact.refund_id end as item,
        fact.return_line_key, null as component, -fact.gross_amount as amount, fact.currency,
        fact.booked_on as effective_on, {{ fiscal_period('fact.booked_on') }} as period
    from bridge
    inner join {{ ref('fct_settlement') }} as fact
        on bridge.document_type = 'settlement' and bridge.document_no = fact.settlement_id
    where fact.status = 'succeeded'
),

-- A journal line, or what it posts of one document in sum
entries as (
    select 'journal_line' as document_type, gl_line_key as document_no, gl_line_key, amount
    from {{ ref('fct_gl_line') }}
    union all
    select 'journal_share' as document_type, share_no as document_no, gl_line_key, amount
    from {{ ref('bridge_posting_share') }} where document is not null
),

postings as (
    select
        bridge.unit_key, bridge.group_key,
        case when bridge.matched_to like 'MEM:%' then 'GM' else 'G' end as leg,
        'G:' || entries.document_no as document_key, 'journal' as document_type,
        fact.journal_no as document_no,
        coalesce(settlements.item, bridge.matched_to, bridge.group_key) as item,
        null as return_line_key, null as component,
        case when bridge.matched_to like 'MEM:%' then -entries.amount else entries.amount end as amount,
        fact.currency, fact.posted_on as effective_on, fact.fiscal_period as period
    from bridge
    inner join entries
        on bridge.document_type = entries.document_type and bridge.document_no = entries.document_no
    inner join {{ ref('fct_gl_line') }} as fact on entries.gl_line_key = fact.gl_line_key
    left join settlements on bridge.matched_to = 'SET:' || settlements.document_no
)

{%- for cte in ('entitlements', 'memos', 'tenders', 'settlements', 'postings') %}
select * from {{ cte }}
{{ 'union all' if not loop.last }}
{%- endfor %}
