{{ config(indexes=[{'columns': ['document_type', 'document_no']}]) }}
-- Grain: one row per settlement, per journal line on the refund liability, and per document that a journal
-- line posts in sum: documents that name one other and join nothing themselves. What names nothing known is a
-- group of its own.

with settlements as (
    select * from {{ ref('fct_settlement') }}
    where {{ in_refund_units() }} and type in ('refund', 'refund_failure', 'chargeback')
),

entries as (
    select * from {{ ref('fct_gl_line') }}
    where {{ in_refund_units() }} and account_role = 'refund_liability'
),

settled as (
    select
        settlements.unit_key,
        coalesce(groups.group_key, 'SET:' || settlements.settlement_id) as group_key,
        settlements.settlement_id,
        groups.node
    from settlements
    left join {{ ref('int_refund_groups') }} as groups on groups.node = 'REF:' || settlements.refund_id
),

posted as (
    select
        entries.unit_key,
        entries.gl_line_key,
        entries.document_type,
        entries.document_ref,
        coalesce(
            case when entries.document_type = 'ambiguous' then entries.document_types end, open_sums.candidates
        ) as candidates,
        case
            when entries.document_type = 'none' then 'JRN:' || entries.journal_no
            when entries.document_type = 'ambiguous' then 'DOC:' || entries.document_ref
            else coalesce(
                memo.group_key, refund.group_key, settled.group_key, 'DOC:' || entries.document_ref
            )
        end as group_key,
        coalesce(memo.node, refund.node, 'SET:' || settled.settlement_id) as matched_to
    from entries
    left join {{ ref('int_refund_groups') }} as memo
        on memo.node = 'MEM:' || entries.document_ref
        and entries.document_type in ('memo', 'unknown')
    left join {{ ref('int_refund_groups') }} as refund
        on refund.node = 'REF:' || entries.document_ref
        and entries.document_type in ('refund', 'unknown')
    left join settled
        on entries.document_ref = settled.settlement_id and entries.document_type = 'settlement'
    left join {{ ref('bridge_posting_share') }} as open_sums
        on entries.gl_line_key = open_sums.gl_line_key and open_sums.document is null
    where not exists (
        select 1 from {{ ref('bridge_posting_share') }} as sums
        where sums.gl_line_key = entries.gl_line_key and sums.document is not null
    )
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
    candidates
from posted
union all
select
    sums.unit_key,
    coalesce(memo.group_key, settled.group_key) as group_key,
    'journal_share' as document_type,
    sums.share_no as document_no,
    sums.match_rule,
    sums.document as matched_to,
    cast(null as text) as candidates
from {{ ref('bridge_posting_share') }} as sums
left join {{ ref('int_refund_groups') }} as memo on sums.document = memo.node
left join settled on sums.document = 'SET:' || settled.settlement_id
where sums.document is not null and {{ in_refund_units('sums.unit_key') }}
