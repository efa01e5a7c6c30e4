-- Grain: one row per match group, day, refund and amount that the processor moved more than once for it:
-- how many of the movements are beyond what customer service had issued, whatever the group's other
-- documents allow. Refunds of which nobody knows what was issued have no row. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with movements as (
    select days.group_key, days.day, documents.item, documents.group_amount as amount, count(*) as copies
    from {{ ref('refund_days') }} as days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    where documents.leg = 'P' and documents.document_type = 'refund'
    group by days.group_key, days.day, documents.item, documents.group_amount
    having count(*) > 1
),

surplus as (
    select
        movements.group_key,
        movements.day,
        movements.item,
        movements.amount,
        {{ surplus_copies(
            'payments.paid_amount - payments.due_amount', 'movements.amount', 'movements.copies'
        ) }} as copies
    from movements
    inner join {{ ref('refund_payment_days') }} as payments
        on movements.group_key = payments.group_key
        and movements.day = payments.day
        and movements.item = payments.item
    where payments.due_amount > 0 and not payments.is_undone
)

select group_key, day, item, amount, cast(copies as integer) as copies
from surplus
where copies > 0
