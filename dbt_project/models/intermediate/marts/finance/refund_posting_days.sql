-- Grain: one row per match group, day, gap (P-G, M-G) and document: what moved beside what the ledger shows
-- for it, and what may explain the difference. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with posting_rows as (
    select * from {{ ref('refund_posting_rows') }}
),

totals as (
    select
        group_key,
        day,
        gap,
        item,
        coalesce(sum(amount) filter (where not is_posting), 0) as moved_amount,
        coalesce(sum(amount) filter (where is_posting), 0) as posted_amount,
        coalesce(sum(amount) filter (where is_copy), 0) as copied_amount,
        max(effective_on) filter (where not is_posting) as moved_on,
        max(effective_on) filter (where is_posting) as posted_on,
        count(distinct currency) > 1 as has_two_currencies
    from posting_rows
    group by group_key, day, gap, item
),

-- All of one side up to some day is on the other side: what follows there may still come
behind as (
    select
        first.group_key,
        first.day,
        first.item,
        min(later.effective_on) as behind_since
    from posting_rows as first
    inner join totals
        on first.gap = totals.gap and first.group_key = totals.group_key
        and first.day = totals.day and first.item = totals.item
    inner join posting_rows as later
        on first.gap = later.gap and first.group_key = later.group_key
        and first.day = later.day and first.item = later.item
        and first.is_posting = later.is_posting
        and (later.effective_on, later.document_key) > (first.effective_on, first.document_key)
    where first.gap = 'P-G'
        and totals.moved_amount <> 0
        and totals.posted_amount <> 0
        and first.upto_amount
        = case when first.is_posting then totals.moved_amount else totals.posted_amount end
    group by first.group_key, first.day, first.item
),

-- Amounts of one side that the other one lacks
unmatched as (
    select
        group_key, day, item,
        sum(amount * greatest(moved - posted, 0)) as unposted_amount,
        sum(amount * greatest(posted - moved, 0)) as unmoved_amount,
        max(effective_on) filter (where moved <> posted) as since
    from (
        select
            group_key, day, item, amount,
            count(*) filter (where not is_posting) as moved,
            count(*) filter (where is_posting and not is_copy) as posted,
            max(effective_on) as effective_on
        from posting_rows
        where gap = 'P-G'
        group by group_key, day, item, amount
    ) as by_amount
    group by group_key, day, item
)

select
    totals.*,
    coalesce(
        behind.behind_since, case
            when totals.moved_amount <> 0 and totals.posted_amount <> 0
                and (unmatched.unposted_amount = 0) <> (unmatched.unmoved_amount = 0) then unmatched.since
        end
    ) as behind_since,
    coalesce(payments.fee_amount, 0) as fee_amount,
    coalesce(refunds.given_amount, 0) as given_amount,
    coalesce(refunds.failed_cash_amount, 0) as failed_amount,
    -- where it is posted as issued, or as credited, and was paid otherwise
    coalesce(refunds.worth_amount, 0) as worth_amount,
    coalesce(refunds.fx_amount, 0) as fx_amount,
    coalesce(refunds.kept_fee_amount, 0) as kept_fee_amount
from totals
left join behind
    on totals.gap = 'P-G' and totals.group_key = behind.group_key
    and totals.day = behind.day and totals.item = behind.item
left join unmatched
    on totals.gap = 'P-G' and totals.group_key = unmatched.group_key
    and totals.day = unmatched.day and totals.item = unmatched.item
left join {{ ref('refund_payment_days') }} as payments
    on totals.gap = 'P-G' and totals.group_key = payments.group_key
    and totals.day = payments.day and totals.item = payments.item
left join {{ ref('refund_settlement_days') }} as refunds
    on totals.gap = 'P-G' and totals.group_key = refunds.group_key
    and totals.day = refunds.day and totals.item = refunds.item
