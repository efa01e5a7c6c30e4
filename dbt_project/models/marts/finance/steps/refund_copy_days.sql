-- Grain: one row per match group, day and side (P cash, T refunds issued): cents paid, or issued, more than
-- once. A refund that is settled again is a duplicate whatever its group allows. Another document of the
-- same amount is one as far as the side exceeds what is credited, or due where that is more; so is a
-- chargeback as far as the customer has the money already, and cash for what goods or credit have made
-- good. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with credited as (
    select
        group_key,
        day,
        greatest(sum(credited_amount), sum(entitled_amount)) as cover,
        sum(entitled_amount) as entitled_amount,
        sum(made_good_amount) as made_good_amount
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

payments as (
    select * from {{ ref('refund_payment_days') }}
),

settled_again as (
    select * from {{ ref('refund_settled_again') }}
),

-- Single movements of cash; refunds that failed later are none
movements as (
    select days.group_key, days.day, 'P' as side, documents.item, documents.group_amount as amount
    from {{ ref('refund_days') }} as days
    inner join {{ ref('refund_documents') }} as documents
        on days.group_key = documents.group_key and days.day >= documents.effective_on
    inner join payments
        on days.group_key = payments.group_key and days.day = payments.day
        and documents.item = payments.item
    where documents.leg = 'P' and documents.document_type = 'refund' and not payments.is_undone
    union all
    select group_key, day, 'T' as side, item, issued_amount as amount
    from payments
    where issued_amount > 0
),

again as (
    select group_key, day, item, sum(amount * copies) as amount
    from settled_again
    group by group_key, day, item
),

sides as (
    select
        payments.group_key,
        payments.day,
        side.side,
        sum(case side.side when 'P' then payments.paid_amount else payments.issued_amount end) as amount,
        -- what an exchange rate, a fee or a wrong amount made of a refund is no second payment
        sum(
            case
                when side.side = 'T' then payments.issued_amount
                when payments.due_amount > 0 and payments.paid_amount <> 0 and not payments.is_undone
                    then payments.due_amount
                else payments.paid_amount
            end
        ) as issued_amount,
        case side.side when 'P' then coalesce(sum(again.amount), 0) else 0 end as again_amount,
        case side.side when 'P' then sum(payments.charged_back_amount) else 0 end as charged_back_amount,
        case side.side when 'P' then sum(payments.given_amount) else 0 end as given_amount
    from payments
    cross join (values ('P'), ('T')) as side (side)
    left join again
        on payments.group_key = again.group_key
        and payments.day = again.day
        and payments.item = again.item
    group by payments.group_key, payments.day, side.side
),

totals as (
    select
        sides.group_key,
        sides.day,
        sides.side,
        sides.again_amount,
        sides.charged_back_amount,
        sides.issued_amount,
        sides.amount - sides.again_amount - coalesce(credited.cover, 0) as excess,
        coalesce(credited.cover, 0) as cover,
        coalesce(credited.entitled_amount, 0) - sides.given_amount as entitled_amount,
        least(coalesce(credited.made_good_amount, 0) + sides.given_amount, coalesce(credited.cover, 0))
            as settled_amount
    from sides
    left join credited on sides.group_key = credited.group_key and sides.day = credited.day
),

charged as (
    select *, {{ up_to('excess', 'charged_back_amount') }} as charged_twice_amount
    from totals
),

again_by_amount as (
    select group_key, day, 'P' as side, amount, sum(copies) as copies
    from settled_again
    group by group_key, day, amount
),

repeated as (
    select
        movements.group_key, movements.day, movements.side, movements.amount,
        count(*) - coalesce(max(again_by_amount.copies), 0) as copies
    from movements
    left join again_by_amount
        on movements.group_key = again_by_amount.group_key
        and movements.day = again_by_amount.day
        and movements.side = again_by_amount.side
        and movements.amount = again_by_amount.amount
    group by movements.group_key, movements.day, movements.side, movements.amount
    having count(*) > 1
),

doubled as (
    select
        charged.group_key, charged.day, charged.side, charged.again_amount, charged.charged_twice_amount,
        charged.settled_amount, charged.issued_amount, charged.cover, charged.entitled_amount,
        coalesce(
            sum(
                repeated.amount * {{ surplus_copies(
                    'charged.excess - charged.charged_twice_amount', 'repeated.amount', 'repeated.copies') }}
            ), 0
        ) as repeated_amount
    from charged
    left join repeated
        on charged.group_key = repeated.group_key
        and charged.day = repeated.day
        and charged.side = repeated.side
    group by
        charged.group_key, charged.day, charged.side, charged.again_amount, charged.charged_twice_amount,
        charged.settled_amount, charged.issued_amount, charged.cover, charged.entitled_amount
)

select
    group_key,
    day,
    side,
    again_amount + charged_twice_amount + repeated_amount + {{ up_to(
        'issued_amount - charged_twice_amount - repeated_amount'
        ' - greatest(cover - settled_amount, entitled_amount)', 'settled_amount') }} as duplicate_amount
from doubled
