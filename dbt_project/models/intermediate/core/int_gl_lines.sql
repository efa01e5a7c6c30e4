{{ config(indexes=[{'columns': ['document_ref']}]) }}
-- Grain: one row per journal line of the touched units, with the document that it posts. A reference is
-- a credit memo's, a refund's or a settlement's number; one that two of them share stays ambiguous.

with candidates as (
    {{ working_set(ref('stg_erp__gl_entries'), [
        'document_ref in (select memo_no from ' ~ ref('int_credit_memos') ~ ')',
        'document_ref in (select refund_id from ' ~ ref('int_refunds') ~ ')',
        'document_ref in (select settlement_id from ' ~ ref('int_settlements') ~ ')',
        'document_ref in (select refund_id from ' ~ ref('int_settlements') ~ ')',
        'journal_no in (' ~ lone_units('JRN:') ~ ')',
    ]) }}
),

documents as (
    select memo_no as document_no, 'memo' as document_type, unit_key from {{ ref('int_credit_memos') }}
    union
    select refund_id, 'refund' as document_type, unit_key from {{ ref('int_refunds') }}
    union
    -- a refund that only the processor knows
    select refund_id, 'refund' as document_type, unit_key from {{ ref('int_settlements') }}
    where refund_id is not null
    union
    select settlement_id, 'settlement' as document_type, unit_key from {{ ref('int_settlements') }}
),

named as (
    select
        document_no,
        min(unit_key) as unit_key,
        case when count(distinct document_type) > 1 then 'ambiguous' else min(document_type) end
            as document_type,
        string_agg(distinct document_type, ', ' order by document_type) as document_types
    from documents
    group by document_no
)

select
    coalesce(named.unit_key, 'JRN:' || candidates.journal_no) as unit_key,
    candidates.journal_no || '-' || candidates.line_no as gl_line_key,
    candidates.journal_no,
    candidates.line_no,
    candidates.account,
    candidates.document_ref,
    case
        when candidates.document_ref is null then 'none'
        else coalesce(named.document_type, 'unknown')
    end as document_type,
    named.document_types,
    candidates.amount,
    candidates.currency,
    candidates.posted_on,
    candidates.fiscal_period
from candidates
left join named on candidates.document_ref = named.document_no
where {{ in_touched_units("coalesce(named.unit_key, 'JRN:' || candidates.journal_no)") }}
