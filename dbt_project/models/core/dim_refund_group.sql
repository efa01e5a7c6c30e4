{{ config(
    meta={'replaces': 'refund_units'},
    indexes=[{'columns': ['group_key'], 'unique': true}, {'columns': ['unit_key']}],
) }}
-- Grain: one row per match group: what it is about, and on what evidence its documents belong together.
-- Its line is the first of its return lines; the currency is that of the sale, else of its first memo,
-- refund, settlement or journal.

with documents as (
    select * from {{ ref('bridge_refund_document') }} where {{ in_refund_units() }}
),

counted as (
    select
        group_key,
        min(unit_key) as unit_key,
        count(*) filter (where document_type = 'return_line') as return_lines,
        count(*) filter (where document_type = 'refund') as refunds,
        count(*) filter (where document_type = 'memo') as memos,
        count(*) filter (where document_type = 'settlement') as settlements,
        count(*) filter (where document_type in ('journal_line', 'journal_share')) as journal_lines,
        min(document_no) filter (where document_type = 'refund') as refund_id,
        min(document_no) filter (where document_type = 'memo') as memo_no,
        -- the chain is as strong as its weakest link
        min(confidence) filter (where match_rule <> 'none') as match_confidence,
        (array_agg(match_rule order by confidence asc, rung desc) filter (where match_rule <> 'none'))[1]
            as weakest_match_rule,
        string_agg(document_type || ' ' || document_no || ': ' || candidates, '; '
            order by document_type, document_no) filter (where candidates is not null) as open_between
    from documents
    group by group_key
),

money as (
    select
        documents.group_key, fact.order_no, fact.currency, 1 as place, fact.posted_on as happened_on
    from documents
    inner join {{ ref('fct_credit_memo_component') }} as fact
        on documents.document_type = 'memo' and documents.document_no = fact.memo_no
    union all
    select documents.group_key, fact.order_no, fact.currency, 2 as place, fact.created_on
    from documents
    inner join {{ ref('fct_refund_tender') }} as fact
        on documents.document_type = 'refund' and documents.document_no = fact.refund_id
    union all
    select documents.group_key, null as order_no, fact.currency, 3 as place, fact.booked_on
    from documents
    inner join {{ ref('fct_settlement') }} as fact
        on documents.document_type = 'settlement' and documents.document_no = fact.settlement_id
    union all
    select documents.group_key, null as order_no, fact.currency, 4 as place, fact.posted_on
    from documents
    inner join {{ ref('fct_gl_line') }} as fact
        on documents.document_type = 'journal_line' and documents.document_no = fact.gl_line_key
),

first_money as (
    select
        group_key,
        min(order_no) as order_no,
        (array_agg(currency order by place, happened_on, currency))[1] as currency
    from money
    group by group_key
)

select
    counted.unit_key,
    counted.group_key,
    -- what it is about
    lines.return_line_key,
    counted.refund_id,
    counted.memo_no,
    coalesce(lines.order_no, first_money.order_no) as order_no,
    lines.order_line_no,
    lines.rma_no,
    lines.request_id,
    coalesce(lines.channel, 'UNATTRIBUTED') as channel,
    coalesce(lines.product_category, 'UNKNOWN') as product_category,
    coalesce(lines.ship_from_site, 'UNATTRIBUTED') as ship_from_site,
    coalesce(lines.resolution, 'unknown') as resolution,
    coalesce(lines.currency, first_money.currency) as currency,
    -- evidence
    cast(counted.return_lines as integer) as return_lines,
    cast(counted.refunds as integer) as refunds,
    cast(counted.memos as integer) as memos,
    cast(counted.settlements as integer) as settlements,
    cast(counted.journal_lines as integer) as journal_lines,
    counted.weakest_match_rule,
    counted.match_confidence,
    counted.open_between
from counted
left join {{ ref('fct_return_line') }} as lines on counted.group_key = lines.return_line_key
left join first_money on counted.group_key = first_money.group_key
