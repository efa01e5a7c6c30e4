-- Grain: one row per journal line on the account that owes store credit, and whether it spends: a debit does, a credit
-- is owed. What takes another line back has its sign and not its meaning: a journal between this account and the
-- refund liability takes a posting back, and a credit after a debit of the same other accounts a purchase; lines of
-- one reference and amount pair up in their order. Not published.
{{ config(materialized='table', indexes=[{'columns': ['document_ref']}]) }}

with entries as (
    select * from {{ ref('fct_gl_line') }}
    where account_role = 'gift_card_liability' and amount <> 0
),

others as (
    select
        journal_no,
        string_agg(distinct account, ' ' order by account) as other_accounts,
        bool_and(account_role = 'refund_liability') as is_refund
    from {{ ref('fct_gl_line') }}
    where account_role <> 'gift_card_liability' and journal_no in (select journal_no from entries)
    group by journal_no
),

ranked as (
    select
        entries.*,
        others.other_accounts,
        coalesce(others.is_refund, false) as is_refund,
        row_number() over (
            partition by entries.document_ref, entries.currency, entries.amount, others.other_accounts
            order by entries.posted_on, entries.gl_line_key
        ) as place
    from entries
    left join others on entries.journal_no = others.journal_no
)

select
    ranked.gl_line_key,
    ranked.document_ref,
    ranked.document_type,
    ranked.posted_on,
    ranked.currency,
    ranked.amount,
    case
        when other.gl_line_key is null then ranked.amount > 0
        when ranked.is_refund then false
        -- bought with it, and taken back
        else ranked.amount > 0 or (other.posted_on, other.gl_line_key) < (ranked.posted_on, ranked.gl_line_key)
    end as is_spending
from ranked
left join ranked as other
    on ranked.document_ref = other.document_ref
    and ranked.currency = other.currency
    and ranked.amount = -other.amount
    and ranked.other_accounts = other.other_accounts
    and ranked.place = other.place
