{{ config(materialized='table', indexes=[{'columns': ['gl_line_key']}, {'columns': ['document']}]) }}
-- Grain: one row per journal line that posts documents in sum, and document of them, with the document's share
-- of the line: the shares re-add to it. A line that stays open between sets, or off by some cents, has one
-- row without a document that says so.

with sums as (
    select * from {{ ref('int_posting_sums') }}
),

shares as (
    select
        sums.gl_line_key, sums.tier, documents.document, documents.document_no, documents.unit_key,
        case sums.side when 'P' then documents.amount else -documents.amount end as amount,
        sums.kind || '_sum' as match_rule
    from sums
    inner join {{ ref('int_summable_documents') }} as documents
        on sums.side = documents.side and sums.currency = documents.currency
        and sums.set_name
        = case sums.kind when 'batch' then documents.batch_no else cast(documents.day as text) end
    where sums.is_single
),

-- Two lines for one document: the better reason stands, and of equal ones none
contested as (
    select distinct share.gl_line_key
    from shares as share
    inner join shares as other
        on share.document = other.document and share.gl_line_key <> other.gl_line_key
        and share.tier >= other.tier
)

select
    entry.unit_key as line_unit_key, shares.gl_line_key, shares.unit_key, shares.document,
    shares.gl_line_key || '/' || shares.document_no as share_no, shares.amount, shares.match_rule,
    cast(null as text) as candidates
from shares
inner join {{ ref('fct_gl_line') }} as entry on shares.gl_line_key = entry.gl_line_key
where shares.gl_line_key not in (select gl_line_key from contested)
union all
select
    entry.unit_key as line_unit_key, sums.gl_line_key, null as unit_key, null as document, null as share_no,
    null as amount, 'none' as match_rule,
    string_agg(
        sums.kind || ' ' || sums.set_name || case when sums.off_by <> 0 then ', off by ' || sums.off_by else '' end,
        '; ' order by sums.kind, sums.set_name
    ) as candidates
from sums
inner join {{ ref('fct_gl_line') }} as entry on sums.gl_line_key = entry.gl_line_key
where not sums.is_single or sums.gl_line_key in (select gl_line_key from contested)
group by entry.unit_key, sums.gl_line_key
