-- Grain: one row per match group, day and side (P cash, T refunds issued): cents paid, or issued, more than
-- once. The same amount again is a duplicate as far as the side exceeds what is credited, or due where
-- that is more; a chargeback is one as far as the customer has the money already. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with credited as (
    select
        group_key,
        day,
        greatest(sum(credited_amount), sum(entitled_amount)) as cover
    from {{ ref('refund_line_days') }}
    group by group_key, day
),

payments as (
    select * from {{ ref('refund_payment_days') }}
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

totals as (
    select
        payments.group_key,
        payments.day,
        side.side,
        sum(case side.side when 'P' then payments.paid_amount else payments.issued_amount end)
        - coalesce(max(credited.cover), 0) as excess,
        case side.side when 'P' then sum(payments.charged_back_amount) else 0 end as charged_back_amount
    from payments
    cross join (values ('P'), ('T')) as side (side)
    left join credited on payments.group_key = credited.group_key and payments.day = credited.day
    group by payments.group_key, payments.day, side.side
),

repeated as (
    select group_key, day, side, amount, count(*) as copies
    from movements
    group by group_key, day, side, amount
    having count(*) > 1
),

charged as (
    select *, {{ up_to('excess', 'charged_back_amount') }} as charged_twice_amount
    from totals
)

select
    charged.group_key,
    charged.day,
    charged.side,
    charged.charged_twice_amount + coalesce(
        sum(
            repeated.amount * {{ surplus_copies(
                'charged.excess - charged.charged_twice_amount', 'repeated.amount', 'repeated.copies') }}
        ), 0
    ) as duplicate_amount
from charged
left join repeated
    on charged.group_key = repeated.group_key
    and charged.day = repeated.day
    and charged.side = repeated.side
group by
    charged.group_key, charged.day, charged.side, charged.charged_twice_amount
