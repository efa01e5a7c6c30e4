{{ config(indexes=[{'columns': ['side', 'currency', 'day']}, {'columns': ['batch_no']}]) }}
-- Grain: one row per movement of cash (side P) and credit memo (side M) that no journal names by itself, and
-- that a journal in sums may post. Of all history, not only of the touched units: a sum may hold any of them.

with named as (
    select distinct document_ref
    from {{ ref('fct_gl_line') }}
    where account_role = 'refund_liability' and document_type in ('memo', 'refund', 'settlement')
),

documents as (
    select
        'P' as side, 'SET:' || settlement_id as document, settlement_id as document_no, unit_key, batch_no,
        booked_on as day, currency, -gross_amount as amount,
        case when type = 'chargeback' then settlement_id else coalesce(refund_id, settlement_id) end
            as other_ref
    from {{ ref('fct_settlement') }}
    where status = 'succeeded' and type in ('refund', 'refund_failure', 'chargeback')
    union all
    select
        'M' as side, 'MEM:' || memo_no as document, memo_no as document_no, min(unit_key) as unit_key,
        null as batch_no, max(posted_on) as day, currency, sum(amount) as amount, memo_no as other_ref
    from {{ ref('fct_credit_memo_component') }}
    group by memo_no, currency
)

select side, document, document_no, unit_key, batch_no, day, currency, amount
from documents
where amount <> 0
    and not exists (select 1 from named where named.document_ref = documents.document_no)
    and not exists (select 1 from named where named.document_ref = documents.other_ref)
