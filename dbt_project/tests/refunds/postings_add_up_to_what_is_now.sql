-- Whatever was closed, posted later or reopened: the cents posted over all periods are those of the
-- reconciliation now, per original period, entity, currency and leg, or gap and class.
{{ config(meta={'failure_means': 'Cents of a closed period were posted twice or not at all: figures as reported and their later postings no longer lead to those of now.'}) }}
with posted as (
    select original_period, entity, currency, leg, gap, class, sum(amount) as amount
    from {{ ref('period_postings') }}
    group by original_period, entity, currency, leg, gap, class
),

restated as (
    select
        period as original_period, entity, currency, leg, cast(null as text) as gap,
        cast(null as text) as class, amount
    from {{ ref('refund_proof') }} where line = 'leg'
    union all
    select period, entity, currency, null, gap, class, -amount
    from {{ ref('refund_proof') }} where line = 'bridge'
),

sides as (
    select original_period, entity, currency, leg, gap, class, amount as posted_amount, 0 as amount_now
    from posted
    union all
    select original_period, entity, currency, leg, gap, class, 0, amount from restated
)

select
    original_period, entity, currency, leg, gap, class,
    sum(posted_amount) as posted_amount,
    sum(amount_now) as amount_now
from sides
group by original_period, entity, currency, leg, gap, class
having sum(posted_amount) <> sum(amount_now)
