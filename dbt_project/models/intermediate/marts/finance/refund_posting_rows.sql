-- Grain: one row per match group, day, gap (P-G, M-G), document and row of either side: what moved, and
-- what was posted for it by then. The same amount posted again is a copy as far as the postings exceed
-- what there was to post; where the bank charged that amount back and no journal names the chargeback, it is
-- the chargeback's posting under the number of its refund. Not published.
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

-- Chargebacks without a posting of their own, the last first
unposted as (
    select
        by_day.group_key, by_day.day, by_day.item, by_day.amount, 'REF:' || fact.refund_id as refund_item,
        row_number() over (
            partition by by_day.group_key, by_day.day, fact.refund_id, by_day.amount
            order by by_day.effective_on desc, by_day.document_key desc
        ) as place
    from by_day
    inner join {{ ref('fct_settlement') }} as fact on by_day.document_no = fact.settlement_id
    left join by_day as posting
        on by_day.group_key = posting.group_key and by_day.day = posting.day
        and by_day.item = posting.item and posting.is_posting
    where by_day.gap = 'P-G' and not by_day.is_posting and fact.type = 'chargeback'
        and fact.refund_id is not null and posting.item is null
),

-- Postings of a refund beyond what it moved, the last first
spare as (
    select
        by_day.group_key, by_day.day, by_day.item, by_day.is_posting, by_day.document_key, by_day.amount,
        sum(case when by_day.is_posting then by_day.amount else -by_day.amount end) over of_document
        - coalesce(given.given_amount, 0) as excess,
        row_number() over (
            partition by
                by_day.group_key, by_day.day, by_day.item, by_day.is_posting, by_day.amount
            order by by_day.effective_on desc, by_day.document_key desc
        ) as place
    from by_day
    left join given
        on by_day.group_key = given.group_key and by_day.day = given.day and by_day.item = given.item
    where by_day.gap = 'P-G' and by_day.item like 'REF:%'
    window of_document as (partition by by_day.group_key, by_day.day, by_day.item)
),

of_chargebacks as (
    select spare.group_key, spare.day, spare.document_key, unposted.item
    from spare
    inner join unposted
        on spare.group_key = unposted.group_key and spare.day = unposted.day
        and spare.item = unposted.refund_item
        and spare.amount = unposted.amount and spare.place = unposted.place
    where spare.is_posting and spare.excess >= spare.place * spare.amount
),

placed as (
    select
        by_day.group_key, by_day.day, by_day.gap, coalesce(of_chargebacks.item, by_day.item) as item,
        by_day.is_posting, by_day.document_key, by_day.document_no, by_day.currency, by_day.amount,
        by_day.effective_on
    from by_day
    left join of_chargebacks
        on by_day.group_key = of_chargebacks.group_key and by_day.day = of_chargebacks.day
        and by_day.document_key = of_chargebacks.document_key
),

running as (
    select
        placed.*,
        sum(placed.amount) over (
            partition by
                placed.group_key, placed.day, placed.gap, placed.item, placed.is_posting
            order by placed.effective_on, placed.document_key
            rows between unbounded preceding and current row
        ) as upto_amount,
        coalesce(sum(placed.amount) filter (where placed.is_posting) over of_document, 0)
        - coalesce(sum(placed.amount) filter (where not placed.is_posting) over of_document, 0)
        - case when placed.gap = 'P-G' then coalesce(given.given_amount, 0) else 0 end as excess,
        count(*) over same_amount as copies,
        row_number() over (same_amount order by placed.effective_on, placed.document_key) as copy_no
    from placed
    left join given
        on placed.group_key = given.group_key and placed.day = given.day
        and placed.item = given.item
    window
        of_document as (partition by placed.group_key, placed.day, placed.gap, placed.item),
        same_amount as (
            partition by placed.group_key, placed.day, placed.gap, placed.item, placed.is_posting,
            placed.amount
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
