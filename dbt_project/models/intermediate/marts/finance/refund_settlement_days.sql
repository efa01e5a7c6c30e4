-- Grain: one row per match group, refund (or cash that names none) and day: what it is expected to pay, and
-- why the processor moved otherwise. What was settled again is a duplicate of its own refund, whatever the
-- group's other documents allow; where nobody issued it, of the memos that name it. An exchange rate makes
-- no more of an amount than it may differ by; of one that was issued in the currency in which it moved, only
-- what the rates of the two days make. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set tolerance = var('fx_tolerance_pct', 10) ~ ' / 100.0' %}

with named as (
    select group_key, day, refund_item as item, sum(amount) as credited_amount
    from {{ ref('refund_memo_days') }}
    where not is_duplicate and refund_item is not null
    group by group_key, day, refund_item
),

payments as (
    select
        payments.*,
        named.item is not null as is_named,
        payments.due_amount > 0 and payments.paid_amount <> 0 and not payments.is_undone as is_settled,
        payments.issued_amount - payments.due_amount as credit_amount,
        case when payments.due_amount > 0 then payments.due_amount
            when payments.issued_amount = 0 then coalesce(named.credited_amount, 0) else 0 end as worth
    from {{ ref('refund_payment_days') }} as payments
    left join named
        on payments.group_key = named.group_key and payments.day = named.day
        and payments.refund_item = named.item
),

-- Single movements of cash; each that failed later takes one of its amount away
movements as (
    select
        days.group_key, days.day, documents.item, abs(documents.group_amount) as amount,
        sum(sign(documents.group_amount)) as copies
    from {{ ref('refund_days') }} as days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    where documents.leg = 'P' and documents.document_type in ('refund', 'refund_failure')
    group by days.group_key, days.day, documents.item, abs(documents.group_amount)
),

-- The same amount again, or nearly the same where the excess is to the cent one of several movements
again as (
    select
        movements.group_key, movements.day, movements.item,
        sum(movements.amount * {{ surplus_copies(
            'payments.paid_amount - payments.worth', 'movements.amount', 'movements.copies') }}) as same_amount,
        max(movements.amount) filter (
            where movements.amount = payments.paid_amount - payments.worth
                and abs(movements.amount - payments.worth) <= payments.worth * {{ tolerance }}
        ) as near_amount,
        sum(movements.copies) as copies
    from movements
    inner join payments using (group_key, day, item)
    where payments.worth > 0
    group by movements.group_key, movements.day, movements.item
),

-- Tenders of which no movement has the amount, since the last of them
unmoved as (
    select group_key, day, item, sum(amount * waiting) as amount, max(created_on) as created_on
    from (
        select
            tenders.group_key, tenders.day, tenders.item, tenders.amount, max(tenders.created_on) as created_on,
            greatest(count(*) - coalesce(max(movements.copies), 0), 0) as waiting
        from {{ ref('refund_tender_days') }} as tenders
        left join movements using (group_key, day, item, amount)
        where not tenders.is_void and not tenders.is_credit_tender
        group by tenders.group_key, tenders.day, tenders.item, tenders.amount
    ) as by_amount
    where waiting > 0
    group by group_key, day, item
),

compared as (
    select
        payments.*,
        case when again.copies > 1 and again.same_amount > 0 then again.same_amount
            when again.copies > 1 then coalesce(again.near_amount, 0) else 0 end as again_amount,
        unmoved.amount as unmoved_amount,
        unmoved.created_on as unmoved_on
    from payments
    left join again using (group_key, day, item)
    left join unmoved using (group_key, day, item)
),

judged as (
    select
        *,
        case when is_settled then due_amount + again_amount - paid_amount else 0 end as short_amount,
        due_amount > 0 and paid_amount = 0 and not is_undone as is_waiting
    from compared
),

explained as (
    select
        *,
        is_settled and short_amount > 0 and short_amount = unmoved_amount as is_waiting_in_part,
        case
            when not is_abroad or not is_settled then 0
            -- issued in the currency in which it moved: what the days make of what was due
            when abroad_rate is not null then round(due_amount - due_abroad_amount * abroad_rate, 2)
            else round(greatest(
                least(short_amount, due_amount * {{ tolerance }}), -due_amount * {{ tolerance }}
            ), 2)
        end as exchange_amount,
        case when not is_abroad then fee_amount else coalesce(round(fee_amount * abroad_rate, 2), 0) end
            as known_fee_amount
    from (
        select *, paid_amount / nullif(paid_abroad_amount, 0) as abroad_rate from judged
    ) as rated
),

kept as (
    select
        *,
        -- kept from what the customer gets; abroad to a cent or two
        case
            when known_fee_amount <= 0 then 0
            when is_abroad and abs(short_amount - exchange_amount - known_fee_amount) <= 0.02
                then short_amount - exchange_amount
            when short_amount - exchange_amount >= known_fee_amount then known_fee_amount
            else 0
        end as kept_amount
    from explained
),

split as (
    select
        *,
        case when is_waiting_in_part then 0 else exchange_amount end as fx_amount,
        case when is_waiting_in_part then 0 else kept_amount end as kept_fee_amount,
        case when is_waiting_in_part then 0 else short_amount - exchange_amount - kept_amount end as left_amount
    from kept
)

select
    group_key,
    day,
    item,
    refund_item,
    is_named,
    due_amount > 0 as is_issued,
    issued_on,
    issued_amount,
    given_amount,
    failed_amount,
    failed_cash_amount,
    paid_on,
    paid_amount,
    charged_back_amount,
    -- what is to reach the customer: as issued; as it moved where nobody issued it or it came back
    case
        when charged_back_amount <> 0 then 0
        when is_undone then credit_amount + paid_amount
        when due_amount > 0 then issued_amount
        else credit_amount + paid_amount - again_amount
    end as expected_amount,
    -- issued in cash, or credited where nobody issued it
    worth as worth_amount,
    again_amount,
    credit_amount - given_amount
    + case when is_waiting then due_amount when is_waiting_in_part then short_amount else 0 end as waiting_amount,
    case when is_waiting_in_part then unmoved_on else issued_on end as waiting_on,
    fx_amount,
    kept_fee_amount,
    case when abs(left_amount) <= 0.02 then left_amount else 0 end as rounding_amount,
    case when left_amount > 0.02 then left_amount else 0 end as underpaid_amount,
    case when left_amount < -0.02 then -left_amount else 0 end as overpaid_amount
from split
