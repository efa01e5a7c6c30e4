{{ config(indexes=[{'columns': ['gl_line_key'], 'unique': true}]) }}
-- Grain: one row per journal line on the refund liability that names no document of its own, and so may post many
-- in sum. What was posted and taken back is left out: of lines with one reference (the journal's number where they
-- name none), one amount and the same other account the first debits with as many credits; what was posted again stays.

with lines as (
    select
        entry.gl_line_key, entry.journal_no, entry.document_ref, entry.posted_on, entry.currency,
        entry.amount, coalesce(entry.document_ref, entry.journal_no) as reference
    from {{ ref('fct_gl_line') }} as entry
    where entry.account_role = 'refund_liability' and entry.amount <> 0
        and entry.document_type in ('none', 'unknown', 'settlement') and not exists (
            select 1 from {{ ref('fct_settlement') }} as named
            where entry.document_ref = named.settlement_id
                and named.type in ('refund', 'refund_failure', 'chargeback')
        )
        and not exists (
            select 1 from {{ ref('fct_credit_memo_component') }} as named
            where entry.document_ref in (named.refund_id, named.reverses_memo_no)
        )
),

-- The one kind of account on which the other side of a journal is; where there are two nothing is netted
others as (
    select journal_no, min(account_role) as other_role
    from {{ ref('fct_gl_line') }}
    where account_role <> 'refund_liability' and journal_no in (select journal_no from lines)
    group by journal_no
    having min(account_role) = max(account_role)
),

ranked as (
    select
        lines.*,
        others.other_role,
        row_number() over (
            partition by lines.reference, lines.currency, lines.amount, others.other_role
            order by lines.posted_on, lines.gl_line_key
        ) as place
    from lines
    left join others on lines.journal_no = others.journal_no
)

select
    gl_line_key, journal_no, document_ref, posted_on, currency, abs(amount) as amount,
    case when amount > 0 then 'P' else 'M' end as side
from ranked
where not exists (
    select 1 from ranked as other
    where other.reference = ranked.reference and other.currency = ranked.currency
        and other.amount = -ranked.amount and other.other_role = ranked.other_role
        and other.place = ranked.place
)
