-- Each day opens with what the day before closed with, and the last one closes with what is open.
{{ config(meta={'failure_means': 'Open items appear or vanish between two days: the roll-forward can''t be signed.'}) }}
with days as (
    select
        *,
        lag(day) over by_kind as day_before,
        lag(closing_amount) over by_kind as closing_before,
        lead(day) over by_kind is null as is_last
    from {{ ref('reconciliation_rollforward') }}
    window by_kind as (partition by gap, class, currency order by day)
),

open_items as (
    select gap, class, currency, sum(amount) as amount, count(*) as items
    from {{ ref('refund_exceptions') }}
    where status not in ('settled', 'cleared')
    group by gap, class, currency
),

closing as (
    select gap, class, currency, closing_amount as amount, closing_items as items
    from days
    where day = {{ as_of_date() }}
)

select 'a day opens with other cents than the last one closed with' as fault, gap, class, currency, day,
    opening_amount as amount, coalesce(closing_before, 0) as other_amount
from days
where opening_amount <> coalesce(closing_before, 0)
union all
select 'a day does not add up' as fault, gap, class, currency, day, closing_amount,
    opening_amount + new_amount - cleared_amount + reclassified_amount
from days
where closing_amount <> opening_amount + new_amount - cleared_amount + reclassified_amount
union all
select 'the last day closes with other cents than are open' as fault, gap, class, currency,
    {{ as_of_date() }}, coalesce(closing.amount, 0), coalesce(open_items.amount, 0)
from closing
full join open_items using (gap, class, currency)
where coalesce(closing.amount, 0) <> coalesce(open_items.amount, 0)
    or coalesce(closing.items, 0) <> coalesce(open_items.items, 0)
