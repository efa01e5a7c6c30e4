{{ config(indexes=[{'columns': ['document_type', 'document_no']}]) }}
-- Grain: one row per settlement, and per journal line on the refund liability: documents that name one
-- other and join nothing themselves. What names nothing known is a group of its own.

with settlements as (
    select * from {{ ref('fct_settlement') }}
    where {{ in_refund_units() }} and type in ('refund', 'refund_failure', 'chargeback')
),

entries as (
    select * from {{ ref('fct_gl_line') }}
    where {{ in_refund_units() }} and account_role = 'refund_liability'
),

groups as (
    select * from {{ ref('int_refund_groups') }}
),

settled as (
    select
        settlements.unit_key,
        coalesce(groups.group_key, 'SET:' || settlements.settlement_id) as group_key,
        settlements.settlement_id,
        groups.node
    from settlements
    left join groups on groups.node = 'REF:' || settlements.refund_id
),

posted as (
    select
        entries.unit_key,
        entries.gl_line_key,
        entries.document_type,
        entries.document_ref,
        entries.document_types,
        case
            when entries.document_type = 'none' then 'JRN:' || entries.journal_no
            when entries.document_type = 'ambiguous' then 'DOC:' || entries.document_ref
            else coalesce(
                memo.group_key, refund.group_key, settled.group_key, 'DOC:' || entries.document_ref
            )
        end as group_key,
        coalesce(memo.node, refund.node, 'SET:' || settled.settlement_id) as matched_to
    from entries
    left join groups as memo
        on memo.node = 'MEM:' || entries.document_ref
        and entries.document_type in ('memo', 'unknown')
    left join groups as refund
        on refund.node = 'REF:' || entries.document_ref
        and entries.document_type in ('refund', 'unknown')
    left join settled
        on entries.document_ref = settled.settlement_id and entries.document_type = 'settlement'
)

select
    unit_key,
    group_key,
    'settlement' as document_type,
    settlement_id as document_no,
    case when node is null then 'none' else 'refund_id' end as match_rule,
    node as matched_to,
    cast(null as text) as candidates
from settled
union all
select
    unit_key,
    group_key,
    'journal_line' as document_type,
    gl_line_key as document_no,
    case
        when matched_to is null then 'none'
        when matched_to like 'MEM:%' then 'memo_no'
        when matched_to like 'REF:%' then 'refund_id'
        else 'settlement_id'
    end as match_rule,
    matched_to,
    case when document_type = 'ambiguous' then document_types end as candidates
from posted
