-- Grain: one row per match group, refund (or cash that names none) and day: what was to be paid by
-- customer service's tenders, what has failed, what was given as credit, and what the processor moved. A
-- tender counts until it fails or is canceled. In the currency of the group, at the rate of the tender's
-- day as in refund_documents. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with days as (
    select * from {{ ref('refund_days') }}
),

tenders as (
    select
        bridge.group_key,
        'REF:' || fact.refund_id as item,
        {{ in_currency('fact.amount', 'fact.currency', 'groups.currency', 'fact.created_on') }}
            as amount,
        fact.is_credit_tender,
        fact.status,
        fact.created_on,
        {{ business_day('fact.updated_at') }} as updated_on
    from {{ ref('bridge_refund_document') }} as bridge
    inner join {{ ref('fct_refund_tender') }} as fact
        on bridge.document_type = 'refund' and bridge.document_no = fact.refund_id
        and bridge.unit_key = fact.unit_key
    inner join {{ ref('dim_refund_group') }} as groups on bridge.group_key = groups.group_key
    where {{ in_refund_units('bridge.unit_key') }}
),

known as (
    select
        days.group_key, days.day, tenders.item, tenders.amount, tenders.is_credit_tender, tenders.created_on,
        tenders.status = 'failed' and tenders.updated_on <= days.day as has_failed,
        tenders.status in ('failed', 'canceled') and tenders.updated_on <= days.day as is_void,
        tenders.is_credit_tender and tenders.status = 'succeeded' and tenders.updated_on <= days.day
            as is_given
    from days
    inner join tenders on days.group_key = tenders.group_key and days.day >= tenders.created_on
),

issued as (
    select
        known.group_key, known.day, known.item,
        sum(known.amount) filter (where not known.is_void) as issued_amount,
        sum(known.amount) filter (where not known.is_void and not known.is_credit_tender)
            as due_amount,
        sum(known.amount) filter (where known.has_failed) as failed_amount,
        sum(known.amount) filter (where known.has_failed and not known.is_credit_tender)
            as failed_cash_amount,
        sum(known.amount) filter (where known.is_given) as given_amount,
        max(known.created_on) filter (where not known.is_void) as issued_on
    from known
    group by known.group_key, known.day, known.item
),

moved as (
    select
        days.group_key, days.day, documents.item,
        sum(documents.group_amount) as paid_amount,
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
)

select
    group_key,
    day,
    item,
    -- customer service
    issued.issued_on,
    coalesce(issued.issued_amount, 0) as issued_amount,
    coalesce(issued.due_amount, 0) as due_amount,
    coalesce(issued.failed_amount, 0) as failed_amount,
    coalesce(issued.given_amount, 0) as given_amount,
    -- the processor; a refund that failed after it had succeeded is failed as well
    moved.paid_on,
    coalesce(moved.paid_amount, 0) as paid_amount,
    coalesce(moved.charged_back_amount, 0) as charged_back_amount,
    coalesce(moved.fee_amount, 0) as fee_amount,
    coalesce(moved.is_abroad, false) as is_abroad,
    moved.item is not null as has_movement,
    -- what it was to pay, whatever an exchange rate made of it
    greatest(
        coalesce(issued.failed_cash_amount, 0),
        case when moved.undone_amount > 0
            then greatest(moved.undone_amount, coalesce(issued.due_amount, 0)) else 0 end
    ) as failed_cash_amount,
    coalesce(moved.undone_amount, 0) > 0 as is_undone
from issued
full join moved using (group_key, day, item)
