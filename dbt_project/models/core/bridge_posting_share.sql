{{ config(materialized='table', indexes=[{'columns': ['gl_line_key']}, {'columns': ['document']}]) }}
-- Grain: one row per journal line that posts documents in sum, and document of them, with the document's share
-- of the line: the shares re-add to it, and to the document where several lines of a journal post it together. A
-- line that stays open between sets, or off by some cents, has one row without a document that says so.

with sums as (
    select * from {{ ref('int_posting_sums') }}
),

-- Lines of one posting one after the other; with credits among them, debits and credits each for themselves
parts as (
    select
        sums.*, case when min(entry.amount) over of_posting < 0 and count(*) over of_posting > 1
            then sign(entry.amount) else 0 end as part,
        abs(entry.amount) as line_amount
    from sums
    inner join {{ ref('fct_gl_line') }} as entry on sums.gl_line_key = entry.gl_line_key
    where sums.is_single
    window of_posting as (partition by sums.posting, sums.currency)
),

lines as (
    select
        *,
        case when part < 0 then -1 else 1 end as sign,
        -- the first and the last one have no end
        case when row_number() over in_order > 1 then sum(line_amount) over in_order - line_amount end as from_amount,
        case when row_number() over in_order < count(*) over of_part then sum(line_amount) over in_order end
            as upto_amount
    from parts
    window
        of_part as (partition by posting, currency, part),
        in_order as (partition by posting, currency, part order by gl_line_key)
),

documents as (
    select
        lines.*, documents.document, documents.document_no, documents.unit_key,
        sum(documents.amount * lines.sign) over in_order as upto_document,
        sum(documents.amount * lines.sign) over in_order - documents.amount * lines.sign as from_document
    from lines
    inner join {{ ref('int_summable_documents') }} as documents
        on lines.side = documents.side and lines.currency = documents.currency
        and lines.part in (0, sign(documents.amount))
        and lines.set_name
        = case lines.kind
            when 'batch' then documents.batch_no
            when 'lone' then documents.document
            when 'habit' then documents.document
            else cast(documents.day as text)
        end
    window in_order as (partition by lines.gl_line_key order by documents.document)
),

-- Laid end to end, what of each document lies beside the line
shares as (
    select
        gl_line_key, posting, tier, document, document_no, unit_key,
        case side when 'P' then sign else -sign end * (
            greatest(least(upto_document, upto_amount), from_amount)
            - greatest(least(from_document, upto_amount), from_amount)
        ) as amount,
        case kind
            when 'lone' then 'day_amount' when 'habit' then 'day_habit' else kind || '_sum'
        end as match_rule
    from documents
),

-- Two lines for one document: the better reason stands, and of equal ones none
contested as (
    select distinct share.gl_line_key
    from shares as share
    inner join shares as other
        on share.document = other.document and share.posting <> other.posting
        and share.tier >= other.tier
)

select
    entry.unit_key as line_unit_key, shares.gl_line_key, shares.unit_key, shares.document,
    shares.gl_line_key || '/' || shares.document_no as share_no, shares.amount, shares.match_rule,
    cast(null as text) as candidates
from shares
inner join {{ ref('fct_gl_line') }} as entry on shares.gl_line_key = entry.gl_line_key
where shares.amount <> 0 and shares.gl_line_key not in (select gl_line_key from contested)
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
