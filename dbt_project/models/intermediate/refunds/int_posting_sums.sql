-- Grain: one row per journal line on the refund liability that names no document of its own, and batch or day
-- whose documents it may post in sum: by the batch or payout that it names, else by the exact amount, of its
-- own day (tier 2) or within 5 days (tier 3), of two documents at least. The best tier counts. It is single
-- where the sum is exact, the line has no other set, and the set no other line.

with lines as (
    select
        gl_line_key, document_ref, posted_on, currency, abs(amount) as amount,
        case when amount > 0 then 'P' else 'M' end as side
    from {{ ref('fct_gl_line') }} as entry
    where account_role = 'refund_liability' and amount <> 0
        and document_type in ('none', 'unknown', 'settlement') and not exists (
            select 1 from {{ ref('fct_settlement') }} as named
            where entry.document_ref = named.settlement_id
                and named.type in ('refund', 'refund_failure', 'chargeback')
        )
        and not exists (
            select 1 from {{ ref('fct_credit_memo_component') }} as named
            where entry.document_ref in (named.refund_id, named.reverses_memo_no)
        )
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

by_name as (
    select lines.gl_line_key, 1 as tier, lines.amount - sets.amount as off_by, sets.*
    from lines
    inner join batch_names on lines.document_ref = batch_names.name
    inner join sets
        on batch_names.batch_no = sets.set_name and sets.kind = 'batch'
        and lines.side = sets.side and lines.currency = sets.currency
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

-- Nearly the sum of its day: no match, but worth a word
nearly as (
    select lines.gl_line_key, 4 as tier, lines.amount - sets.amount as off_by, sets.*
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
        select * from nearly
    ) as candidates
    order by gl_line_key, side, members, tier, kind
),

best as (
    select *
    from (select *, min(tier) over (partition by gl_line_key) as best_tier from pairs) as ranked
    where tier = best_tier
)

select
    gl_line_key, side, tier, kind, set_name, currency, off_by,
    off_by = 0 and count(*) over (partition by gl_line_key) = 1
    and count(*) over (partition by side, currency, members) = 1 as is_single
from best
