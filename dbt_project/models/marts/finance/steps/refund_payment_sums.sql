-- Grain: one row per match group and day: its refunds and cash added up, and what is known of them that
-- may explain a difference to the credit memos. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with days as (
    select group_key, day from {{ ref('refund_days') }}
),

-- Refunds that a memo names by then
named as (
    select distinct days.group_key, days.day, 'REF:' || fact.refund_id as item
    from days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    inner join {{ ref('fct_credit_memo_component') }} as fact
        on substr(documents.document_key, 3) = fact.memo_component_key
    where documents.leg = 'M' and fact.refund_id is not null
),

again as (
    select group_key, day, item, sum(amount * copies) as amount
    from {{ ref('refund_settled_again') }}
    group by group_key, day, item
),

payments as (
    select
        payments.*,
        -- without what was settled again
        payments.paid_amount - coalesce(again.amount, 0) as settled_amount,
        named.item is not null as is_named,
        payments.due_amount > 0 and payments.paid_amount <> 0 and not payments.is_undone as is_settled
    from {{ ref('refund_payment_days') }} as payments
    left join named
        on payments.group_key = named.group_key and payments.day = named.day
        and payments.item = named.item
    left join again
        on payments.group_key = again.group_key and payments.day = again.day
        and payments.item = again.item
),

-- In each currency of the source, so that an exchange rate leaves no trace of cash that went back
moved as (
    select days.group_key, days.day, documents.currency, sum(documents.amount) as amount
    from days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    where documents.leg = 'P'
    group by days.group_key, days.day, documents.currency
)

select
    group_key,
    day,
    sum(issued_amount) as issued_amount,
    sum(paid_amount) as paid_amount,
    sum(given_amount) as given_amount,
    sum(failed_amount) as failed_amount,
    sum(failed_cash_amount) as failed_cash_amount,
    exists (  -- noqa: LT01,LT06
        select 1 from moved
        where moved.group_key = payments.group_key and moved.day = payments.day and moved.amount <> 0
    ) as has_cash,
    max(issued_on) as issued_on,
    max(paid_on) as paid_on,
    -- settled otherwise than issued: by an exchange rate, the processor's fee, or a wrong amount
    sum(case when is_settled and is_abroad then due_amount - settled_amount else 0 end) as fx_amount,
    sum(
        case when is_settled and not is_abroad and due_amount - settled_amount = fee_amount
            then fee_amount else 0 end
    ) as kept_fee_amount,
    sum(
        case when is_settled and not is_abroad and due_amount - settled_amount <> fee_amount
            then due_amount - settled_amount else 0 end
    ) as mispaid_amount,
    -- not settled yet
    sum(case when not has_movement then due_amount else 0 end) as waiting_amount,
    max(case when not has_movement and due_amount > 0 then issued_on end) as waiting_on,
    -- in no memo yet
    sum(case when not is_named then paid_amount else 0 end) as unnamed_paid_amount,
    max(case when not is_named then paid_on end) as unnamed_paid_on,
    sum(case when not is_named then issued_amount else 0 end) as unnamed_issued_amount,
    max(case when not is_named then issued_on end) as unnamed_issued_on
from payments
group by group_key, day
