-- Grain: one row per match group, day, gap (P-G, M-G), document and row of either side: what moved, and
-- what was posted for it by then. The same amount posted again is a copy as far as the postings exceed
-- what there was to post. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day', 'item']}]) }}

with by_day as (
    select
        days.group_key,
        days.day,
        case when documents.leg in ('M', 'GM') then 'M-G' else 'P-G' end as gap,
        documents.item,
        documents.leg in ('G', 'GM') as is_posting,
        documents.document_key,
        documents.document_no,
        documents.currency,
        documents.group_amount as amount,
        documents.effective_on
    from {{ ref('refund_days') }} as days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    where documents.leg in ('P', 'G', 'M', 'GM')
),

given as (
    select group_key, day, item, given_amount
    from {{ ref('refund_payment_days') }}
    where given_amount <> 0
),

running as (
    select
        by_day.*,
        sum(by_day.amount) over (
            partition by
                by_day.group_key, by_day.day, by_day.gap, by_day.item, by_day.is_posting
            order by by_day.effective_on, by_day.document_key
            rows between unbounded preceding and current row
        ) as upto_amount,
        coalesce(sum(by_day.amount) filter (where by_day.is_posting) over of_document, 0)
        - coalesce(sum(by_day.amount) filter (where not by_day.is_posting) over of_document, 0)
        - case when by_day.gap = 'P-G' then coalesce(given.given_amount, 0) else 0 end as excess,
        count(*) over same_amount as copies,
        row_number() over (same_amount order by by_day.effective_on, by_day.document_key) as copy_no
    from by_day
    left join given
        on by_day.group_key = given.group_key and by_day.day = given.day
        and by_day.item = given.item
    window
        of_document as (partition by by_day.group_key, by_day.day, by_day.gap, by_day.item),
        same_amount as (
            partition by by_day.group_key, by_day.day, by_day.gap, by_day.item, by_day.is_posting,
            by_day.amount
        )
)

select
    group_key,
    day,
    gap,
    item,
    is_posting,
    document_key,
    document_no,
    currency,
    amount,
    effective_on,
    upto_amount,
    -- what a journal by hand repeats nobody can say
    is_posting and item not like 'JRN:%' and item not like 'DOC:%'
    and copy_no > copies - {{ surplus_copies('excess', 'amount', 'copies') }} as is_copy
from running
