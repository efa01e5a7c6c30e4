-- Grain: one row per fiscal period and currency from the first store credit or posting on: what refunds gave as store
-- credit or gift cards, what was spent of it, what else moved on the account that owes it (gift cards sold, expired,
-- corrections), and the balance, beside that of the ledger. By the days of issue and of posting.
--     closing = opening + issued - spent - adjusted = ledger + not posted
{{ config(materialized='table', indexes=[{'columns': ['period', 'currency'], 'unique': true}]) }}

with credits as (
    select * from {{ ref('store_credits') }}
),

entries as (
    select * from {{ ref('refund_credit_entries') }}
    where posted_on <= {{ as_of_date() }}
),

refunds as (
    select distinct refund_id, currency from credits
),

named as (
    select entries.*
    from entries
    inner join refunds on entries.document_ref = refunds.refund_id and entries.currency = refunds.currency
),

moves as (
    select issued_on as day, currency, issued_amount as issued, 0 as spent, 0 as posted, 0 as ledger
    from credits
    union all
    select
        posted_on as day, currency, 0 as issued,
        case when is_spending then amount else 0 end as spent,
        case when is_spending then 0 else -amount end as posted,
        0 as ledger
    from named
    union all
    -- of a day in sum
    select issued_on as day, currency, 0 as issued, 0 as spent, posted_amount as posted, 0 as ledger
    from credits
    where (refund_id, currency) not in (select document_ref, currency from named)
    union all
    select posted_on as day, currency, 0 as issued, 0 as spent, 0 as posted, -amount as ledger
    from entries
),

firsts as (
    select currency, min(day) as first_on from moves group by currency
),

sums as (
    select
        {{ fiscal_period('day') }} as period, currency, max(day) as last_on,
        sum(issued) as issued_amount,
        sum(spent) as spent_amount,
        sum(posted - spent - ledger) as adjusted_amount,
        sum(posted) as posted_amount,
        sum(ledger) as ledger_amount
    from (
        select * from moves
        union all
        -- every period from the first on, to its last day
        select
            calendar.date_day as day, firsts.currency, 0 as issued, 0 as spent, 0 as posted, 0 as ledger
        from firsts
        inner join {{ ref('dim_date') }} as calendar
            on calendar.date_day between firsts.first_on and {{ as_of_date() }}
    ) as every_day
    group by {{ fiscal_period('day') }}, currency
),

running as (
    select
        *,
        sum(issued_amount - spent_amount - adjusted_amount) over up_to_now as closing_amount,
        sum(ledger_amount) over up_to_now as balance_amount,
        sum(issued_amount - posted_amount) over up_to_now as not_posted_amount
    from sums
    window up_to_now as (
        partition by currency order by period
        rows between unbounded preceding and current row
    )
),

-- Where no ledger or no such account is carried, nobody knows what was spent
known as (
    select
        {{ 'true' if carries_leg('G') else 'false' }}
        and exists (select 1 from {{ ref('gl_accounts') }} where role = 'gift_card_liability') as is_known
),

shown as (
    select
        running.period,
        running.currency,
        running.last_on,
        running.issued_amount,
        {%- for column, amount in [
            ('opening', 'closing_amount - issued_amount + spent_amount + adjusted_amount'),
            ('spent', 'spent_amount'), ('adjusted', 'adjusted_amount'), ('closing', 'closing_amount'),
            ('ledger', 'balance_amount'), ('not_posted', 'not_posted_amount'),
        ] %}
        case when known.is_known then {{ amount }} end as {{ column }}_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from running
    cross join known
)

{%- set parts = ['opening', 'issued', 'spent', 'adjusted', 'closing', 'ledger', 'not_posted'] %}
select
    shown.period,
    shown.currency,
    {%- for part in parts %}
    cast(shown.{{ part }}_amount as numeric(18, 2)) as {{ part }}_amount,
    {%- endfor %}
    -- at the rate of the period's last day
    {%- for part in parts %}
    {{ to_reporting('shown.' ~ part ~ '_amount', 'rates.rate') }} as {{ part }}_reporting,
    {%- endfor %}
    {{ as_of_date() }} as business_date
from shown
left join {{ ref('dim_exchange_rate') }} as rates
    on shown.currency = rates.currency
    and shown.last_on >= rates.valid_from and shown.last_on < rates.valid_to
