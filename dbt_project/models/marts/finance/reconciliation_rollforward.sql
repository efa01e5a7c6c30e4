-- Grain: one row per day, gap, class and currency with open or changing cents: opening + new - cleared +
-- reclassified = closing. By the days of the documents, so that a rebuild gives the same and a late
-- document restates its own day; what a past night had published stays with that publication.
-- Additive within a gap and currency over classes, not over days.
{{ config(
    materialized='table',
    indexes=[{'columns': ['day', 'gap', 'class', 'currency'], 'unique': true}],
) }}

with flows as (
    select
        day, gap, class, currency,
        sum(new_amount) as new_amount,
        sum(cleared_amount) as cleared_amount,
        sum(reclassified_amount) as reclassified_amount,
        sum(new_reporting) as new_reporting,
        sum(cleared_reporting) as cleared_reporting,
        sum(reclassified_reporting) as reclassified_reporting,
        sum(items_change) as items_change
    from {{ ref('refund_flows') }}
    where day <= {{ as_of_date() }}
    group by day, gap, class, currency
),

kinds as (
    select gap, class, currency, min(day) as first_on from flows group by gap, class, currency
),

-- Every day from the first on. Added, not joined: the planner can't know how many days that makes
filled as (
    select
        day, gap, class, currency,
        sum(new_amount) as new_amount,
        sum(cleared_amount) as cleared_amount,
        sum(reclassified_amount) as reclassified_amount,
        sum(new_reporting) as new_reporting,
        sum(cleared_reporting) as cleared_reporting,
        sum(reclassified_reporting) as reclassified_reporting,
        sum(items_change) as items_change
    from (
        select * from flows
        union all
        select
            calendar.date_day as day, kinds.gap, kinds.class, kinds.currency,
            0 as new_amount, 0 as cleared_amount, 0 as reclassified_amount,
            0 as new_reporting, 0 as cleared_reporting, 0 as reclassified_reporting, 0 as items_change
        from kinds
        inner join {{ ref('dim_date') }} as calendar
            on calendar.date_day between kinds.first_on and {{ as_of_date() }}
    ) as days
    group by day, gap, class, currency
),

running as (
    select
        *,
        sum(new_amount - cleared_amount + reclassified_amount) over up_to_now as closing_amount,
        sum(new_reporting - cleared_reporting + reclassified_reporting) over up_to_now as closing_reporting,
        sum(items_change) over up_to_now as closing_items
    from filled
    window up_to_now as (
        partition by gap, class, currency order by day
        rows between unbounded preceding and current row
    )
)

select
    day,
    {{ fiscal_period('day') }} as period,
    gap,
    class,
    currency,
    cast(closing_amount - new_amount + cleared_amount - reclassified_amount as numeric(18, 2))
        as opening_amount,
    cast(new_amount as numeric(18, 2)) as new_amount,
    cast(cleared_amount as numeric(18, 2)) as cleared_amount,
    cast(reclassified_amount as numeric(18, 2)) as reclassified_amount,
    cast(closing_amount as numeric(18, 2)) as closing_amount,
    cast(closing_reporting - new_reporting + cleared_reporting - reclassified_reporting as numeric(18, 2))
        as opening_reporting,
    cast(new_reporting as numeric(18, 2)) as new_reporting,
    cast(cleared_reporting as numeric(18, 2)) as cleared_reporting,
    cast(reclassified_reporting as numeric(18, 2)) as reclassified_reporting,
    cast(closing_reporting as numeric(18, 2)) as closing_reporting,
    cast(closing_items as integer) as closing_items
from running
where closing_amount <> 0 or new_amount <> 0 or cleared_amount <> 0 or reclassified_amount <> 0
    or closing_items <> 0 or items_change <> 0
