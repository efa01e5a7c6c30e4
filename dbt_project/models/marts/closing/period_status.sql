-- Grain: one row per fiscal period, from the first that has refund documents to that of the business date.
{{ config(materialized='view', meta={'publish_to': 'finance', 'primary_key': ['period']}) }}

with periods as (
    select
        {{ fiscal_period('date_day') }} as period,
        min(date_day) as starts_on,
        max(date_day) as ends_on
    from {{ ref('calendar') }}
    group by {{ fiscal_period('date_day') }}
),

closes as (
    select * from {{ ref('period_acts') }} where is_in_force
),

closed as (
    select max(period) as closed_through from closes
),

bounds as (
    select
        least(
            (select min(period) from {{ ref('refund_documents') }}), (select min(period) from closes)
        ) as first_period,
        (select {{ fiscal_period('business_date') }} from {{ ref('finance_publication') }}) as last_period
)

select
    periods.period,
    periods.starts_on,
    periods.ends_on,
    case when periods.period <= closed.closed_through then 'closed' else 'open' end as status,
    -- the period that rows of closed ones post to
    periods.period = min(periods.period) filter (
        where closed.closed_through is null or periods.period > closed.closed_through
    ) over () as is_first_open,
    closes.act_id,
    closes.acted_at as closed_at,
    closes.approver,
    closes.actor,
    closes.note,
    closes.publication_id,
    closes.business_date
from periods
cross join bounds
cross join closed
left join closes on periods.period = closes.period
where periods.period between bounds.first_period and bounds.last_period
