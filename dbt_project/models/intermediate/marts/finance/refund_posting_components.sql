-- Grain: one row per match group, day, credit memo and component: what the memo says less what its journal
-- puts on the component's account, for memos that are posted; journals posted again left out. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with posted_memos as (
    select group_key, day, item
    from {{ ref('refund_posting_days') }} as posted
    where gap = 'M-G' and moved_amount <> 0 and posted_amount <> 0
        -- a journal in sums says nothing of the single memo's components
        and not exists (
            select 1 from {{ ref('bridge_posting_share') }} as share where share.document = posted.item
        )
),

copies as (
    select group_key, day, item, document_no as journal_no
    from {{ ref('refund_posting_rows') }}
    where gap = 'M-G' and is_copy
),

-- At the rate of the memo's day, as its posting on the liability
dated as (
    select item, min(rate_on) as rate_on
    from {{ ref('refund_documents') }}
    where leg = 'GM'
    group by item
),

memo_rows as (
    select posted_memos.*, documents.component, documents.group_amount as amount
    from posted_memos
    inner join {{ ref('refund_documents') }} as documents
        on posted_memos.group_key = documents.group_key
        and posted_memos.item = documents.item
        and posted_memos.day >= documents.effective_on
    where documents.leg = 'M'
),

posted_rows as (
    select
        posted_memos.*, fact.component,
        -{{ in_currency('fact.amount', 'fact.currency', 'groups.currency', 'dated.rate_on') }} as amount
    from posted_memos
    inner join {{ ref('dim_refund_group') }} as groups on posted_memos.group_key = groups.group_key
    inner join dated on posted_memos.item = dated.item
    inner join {{ ref('fct_gl_line') }} as fact
        on substr(posted_memos.item, 5) = fact.document_ref
        and posted_memos.day >= fact.posted_on
        and fact.account_role = 'memo_component'
    left join copies
        on posted_memos.group_key = copies.group_key
        and posted_memos.day = copies.day
        and posted_memos.item = copies.item
        and fact.journal_no = copies.journal_no
    where copies.journal_no is null
)

select group_key, day, item, component, sum(amount) as amount
from (
    select * from memo_rows
    union all
    select * from posted_rows
) as both_sides
group by group_key, day, item, component
having sum(amount) <> 0
