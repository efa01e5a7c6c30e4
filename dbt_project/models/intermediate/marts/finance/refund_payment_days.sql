-- Grain: one row per match group, refund (or cash that names none) and day: what was to be paid by
-- customer service's tenders, what has failed, what was given as credit, and what the processor moved. A
-- tender counts until it fails or is canceled. In the currency of the group. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with days as (
    select * from {{ ref('refund_days') }}
),

issued as (
    select
        known.group_key, known.day, known.item,
        sum(known.amount) filter (where not known.is_void) as issued_amount,
        sum(known.amount) filter (where not known.is_void and not known.is_credit_tender)
            as due_amount,
        sum(known.source_amount) filter (where not known.is_void and not known.is_credit_tender)
            as source_due_amount,
        case when min(known.source_currency) = max(known.source_currency) then min(known.source_currency) end
            as source_currency,
        sum(known.amount) filter (where known.has_failed) as failed_amount,
        sum(known.amount) filter (where known.has_failed and not known.is_credit_tender)
            as failed_cash_amount,
        sum(known.amount) filter (where known.is_given) as given_amount,
        max(known.created_on) filter (where not known.is_void) as issued_on
    from {{ ref('refund_tender_days') }} as known
    group by known.group_key, known.day, known.item
),

moved as (
    select
        days.group_key, days.day, documents.item,
        max('REF:' || fact.refund_id) as refund_item,
        sum(documents.group_amount) as paid_amount,
        sum(documents.amount) as source_paid_amount,
        case when min(documents.currency) = max(documents.currency) then min(documents.currency) end
            as source_currency,
        sum(documents.group_amount) filter (where documents.document_type = 'chargeback')
            as charged_back_amount,
        -sum(documents.group_amount) filter (where documents.document_type = 'refund_failure')
            as undone_amount,
        sum(-fact.fee_amount) filter (where documents.document_type = 'refund') as fee_amount,
        bool_or(documents.is_converted) as is_abroad,
        max(documents.effective_on) as paid_on
    from days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    inner join {{ ref('fct_settlement') }} as fact on documents.document_no = fact.settlement_id
    where documents.leg = 'P'
    group by days.group_key, days.day, documents.item
),

-- A refund that failed after it had been paid is undone, unless it was paid again
joined as (
    select
        group_key, day, item,
        issued.issued_on, issued.issued_amount, issued.due_amount, issued.failed_amount,
        issued.failed_cash_amount, issued.given_amount, moved.refund_item,
        moved.paid_on, moved.paid_amount, moved.charged_back_amount, moved.undone_amount, moved.fee_amount,
        moved.is_abroad,
        moved.source_paid_amount, issued.source_due_amount,
        issued.source_currency = moved.source_currency as is_in_one_currency,
        coalesce(moved.undone_amount, 0) > 0
        and (
            moved.paid_amount <= 0
            or not moved.is_abroad and moved.paid_amount < coalesce(issued.due_amount, 0)
        ) as is_undone
    from issued
    full join moved using (group_key, day, item)
)

select
    group_key,
    day,
    item,
    -- the refund that it is, or that it takes back
    coalesce(refund_item, item) as refund_item,
    -- customer service
    issued_on,
    coalesce(issued_amount, 0) as issued_amount,
    coalesce(due_amount, 0) as due_amount,
    coalesce(failed_amount, 0) as failed_amount,
    coalesce(given_amount, 0) as given_amount,
    -- the processor
    paid_on,
    coalesce(paid_amount, 0) as paid_amount,
    coalesce(charged_back_amount, 0) as charged_back_amount,
    coalesce(fee_amount, 0) as fee_amount,
    coalesce(is_abroad, false) as is_abroad,
    -- where it was issued in the currency in which it moved, and that is not the group's
    case when is_abroad and is_in_one_currency then source_due_amount end as due_abroad_amount,
    case when is_abroad and is_in_one_currency then source_paid_amount end as paid_abroad_amount,
    paid_on is not null as has_movement,
    -- what it was to pay, whatever an exchange rate made of it
    greatest(
        coalesce(failed_cash_amount, 0),
        case when is_undone then greatest(undone_amount, coalesce(due_amount, 0)) else 0 end
    ) as failed_cash_amount,
    is_undone
from joined
