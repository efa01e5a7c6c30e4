-- What the roll-forward closes a period with is the items that were open at its end, in each gap, class and currency.
{{ config(meta={'failure_means': 'A closing balance has cents or items that no list names: nobody can sign it.'}) }}
with every_day as (
    select
        period, gap, class, currency, closing_amount, closing_items,
        row_number() over (partition by period, gap, class, currency order by day desc) as days_from_end
    from {{ ref('reconciliation_rollforward') }}
),

days as (
    select * from every_day where days_from_end = 1
),

items as (
    select period, gap, class, currency, sum(amount) as amount, count(*) as items
    from {{ ref('refund_period_items') }}
    group by period, gap, class, currency
)

select
    coalesce(days.period, items.period) as period,
    coalesce(days.gap, items.gap) as gap,
    coalesce(days.class, items.class) as class,
    coalesce(days.currency, items.currency) as currency,
    days.closing_amount,
    items.amount
from days
full join items
    on days.period = items.period and days.gap = items.gap and days.class = items.class
    and days.currency = items.currency
where coalesce(days.closing_amount, 0) <> coalesce(items.amount, 0)
    or coalesce(days.closing_items, 0) <> coalesce(items.items, 0)
