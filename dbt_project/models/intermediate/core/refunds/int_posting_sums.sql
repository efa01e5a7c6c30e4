-- Grain: one row per journal line on the refund liability that names no document of its own, and batch or day
-- whose documents it may post in sum: by the batch or payout that it names, else by the exact amount, of its
-- own day (tier 2) or within 5 days (tier 3), of two documents at least. Of one document (kind lone, tier 3) only
-- where on the day nothing else has its side, currency and amount, and the journal's other lines are on the
-- accounts of such a document; with a number of the journal's own, or days later, only as the account is posted on
-- other days (kind habit, tier 4). The best tier counts. Lines of one journal that name a batch may post it
-- together. It is single where the sum is exact, the posting has no other set, and the set no other posting.

with lines as (
    select * from {{ ref('int_posting_lines') }}
),

-- A batch goes by its own number and by that of its payout
batch_names as (
    select distinct batch_no as name, batch_no from {{ ref('fct_settlement') }}
    union
    select settlement_id as name, batch_no from {{ ref('fct_settlement') }} where type = 'payout'
),

sets as (
    select
        side, 'batch' as kind, batch_no as set_name, currency, sum(amount) as amount, max(day) as day,
        count(*) as documents, md5(string_agg(document, ',' order by document)) as members
    from {{ ref('int_summable_documents') }}
    where batch_no is not null
    group by side, batch_no, currency
    union all
    select
        side, 'day' as kind, cast(day as text) as set_name, currency, sum(amount) as amount, day,
        count(*) as documents, md5(string_agg(document, ',' order by document)) as members
    from {{ ref('int_summable_documents') }}
    group by side, day, currency
),

named as (
    select
        lines.*, batch_names.batch_no, lines.journal_no || '/' || batch_names.batch_no as posting,
        case lines.side when 'P' then lines.amount else -lines.amount end as debit
    from lines
    inner join batch_names on lines.document_ref = batch_names.name
),

batches as (
    select batch_no, currency, sum(amount) as amount, sum(greatest(amount, 0)) as paid_amount
    from {{ ref('int_summable_documents') }}
    where side = 'P' and batch_no is not null
    group by batch_no, currency
),

-- Debits that come to what was paid, and credits to what failed; or debits alone to both together
together as (
    select named.posting, named.currency
    from named
    inner join batches on named.batch_no = batches.batch_no and named.currency = batches.currency
    group by named.posting, named.currency, batches.amount, batches.paid_amount
    having count(*) > 1 and sum(named.debit) = batches.amount
        and (min(named.debit) > 0 or sum(greatest(named.debit, 0)) = batches.paid_amount)
),

by_name as (
    select
        named.gl_line_key, 1 as tier,
        case when together.posting is null then named.amount - sets.amount else 0 end as off_by, sets.*
    from named
    left join together on named.posting = together.posting and named.currency = together.currency
    inner join sets
        on named.batch_no = sets.set_name and sets.kind = 'batch' and named.currency = sets.currency
        and (named.side = sets.side or together.posting is not null)
),

by_amount as (
    select
        lines.gl_line_key, case when lines.posted_on = sets.day then 2 else 3 end as tier,
        lines.amount - sets.amount as off_by, sets.*
    from lines
    inner join sets
        on lines.side = sets.side and lines.currency = sets.currency and lines.amount = sets.amount
        and sets.documents > 1 and abs(lines.posted_on - sets.day) <= 5
    where lines.gl_line_key not in (select gl_line_key from by_name)
),

-- The account is posted in sums of the day, so many days later: at least two lines are just that
habits as (
    select side, currency, days_later
    from (
        select
            by_amount.gl_line_key, by_amount.kind, by_amount.side, by_amount.currency, by_amount.tier,
            lines.posted_on - by_amount.day as days_later,
            min(by_amount.tier) over (partition by by_amount.gl_line_key) as best_tier
        from by_amount
        inner join lines on by_amount.gl_line_key = lines.gl_line_key
    ) as posted
    where kind = 'day' and tier = best_tier
    group by side, currency, days_later
    having count(distinct gl_line_key) > 1
),

-- Of one document: on its day by a line that names nothing, else as the account is posted on other days
lone_pairs as (
    select
        lines.gl_line_key, lines.journal_no, lines.posted_on, documents.*,
        case when lines.document_ref is null and lines.posted_on = documents.day then 'lone' else 'habit' end as kind,
        case when lines.document_ref is null and lines.posted_on = documents.day then 0 else 5 end as near_days
    from lines
    inner join {{ ref('int_summable_documents') }} as documents
        on lines.side = documents.side and lines.currency = documents.currency
        and lines.amount = documents.amount
    left join habits
        on lines.side = habits.side and lines.currency = habits.currency
        and lines.posted_on - documents.day = habits.days_later
    where lines.gl_line_key not in (select gl_line_key from by_name)
        and (habits.days_later is not null or (lines.document_ref is null and lines.posted_on = documents.day))
),

-- Where nothing else has its side, currency and amount: on the day, or by habit within 5 days. A journal by hand
-- has its other lines elsewhere: a memo is posted to returns and taxes, cash to the processor.
lone as (
    select
        pair.gl_line_key, case pair.kind when 'lone' then 3 else 4 end as tier, 0.00 as off_by, pair.side, pair.kind,
        pair.document as set_name, pair.currency, pair.amount, pair.day, 1 as documents,
        md5(pair.document) as members
    from lone_pairs as pair
    where not exists (
            select 1 from lines as other
            where other.gl_line_key <> pair.gl_line_key and other.side = pair.side
                and other.currency = pair.currency and other.amount = pair.amount
                and abs(other.posted_on - pair.posted_on) <= pair.near_days
        )
        and not exists (
            select 1 from {{ ref('int_summable_documents') }} as other
            where other.document <> pair.document and other.side = pair.side
                and other.currency = pair.currency and other.amount = pair.amount
                and abs(other.day - pair.day) <= pair.near_days
        )
        and not exists (
            select 1 from {{ ref('fct_gl_line') }} as other
            where other.journal_no = pair.journal_no and other.gl_line_key <> pair.gl_line_key
                and other.account_role <> case pair.side when 'P' then 'processor_clearing'
                    else 'memo_component' end
        )
),

-- Nearly the sum of its day: no match, but worth a word
nearly as (
    select lines.gl_line_key, 5 as tier, lines.amount - sets.amount as off_by, sets.*
    from lines
    inner join sets
        on lines.side = sets.side and lines.currency = sets.currency and lines.posted_on = sets.day
        and sets.kind = 'day' and sets.documents > 1 and lines.amount <> sets.amount
        and abs(lines.amount - sets.amount) <= 0.01 * sets.amount
    where lines.gl_line_key not in (select gl_line_key from by_name)
),

-- A batch and a day of the same documents are one set
pairs as (
    select distinct on (gl_line_key, side, members) *
    from (
        select * from by_name
        union all
        select * from by_amount
        union all
        select * from lone
        union all
        select * from nearly
    ) as candidates
    order by gl_line_key, side, members, tier, kind
),

best as (
    select ranked.*, coalesce(together.posting, ranked.gl_line_key) as posting
    from (select *, min(tier) over (partition by gl_line_key) as best_tier from pairs) as ranked
    left join named on ranked.gl_line_key = named.gl_line_key and ranked.set_name = named.batch_no
    left join together on named.posting = together.posting and named.currency = together.currency
    where ranked.tier = ranked.best_tier
)

select
    gl_line_key, posting, side, tier, kind, set_name, currency, off_by,
    off_by = 0 and count(*) over (partition by gl_line_key) = 1
    and min(posting) over of_set = max(posting) over of_set as is_single
from best
window of_set as (partition by side, currency, members)
