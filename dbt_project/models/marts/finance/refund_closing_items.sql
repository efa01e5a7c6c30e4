-- Grain: one row per fiscal period, match group, gap and class that had cents at the end of the period, or has them at
-- the business date: what refund_period_items shows.
-- Additive within a gap and currency, and never over periods.
{{ config(materialized='table', indexes=[{'columns': ['group_key']}]) }}

with ends as (
    select {{ fiscal_period('date_day') }} as period, max(date_day) as last_day
    from {{ ref('dim_date') }}
    where date_day <= {{ as_of_date() }}
    group by {{ fiscal_period('date_day') }}
)

select
    ends.period,
    states.group_key,
    states.gap,
    states.class,
    gaps.is_chain,
    groups.return_line_key,
    groups.refund_id,
    groups.memo_no,
    groups.order_no,
    groups.rma_no,
    groups.ship_from_site as entity,
    states.amount,
    groups.currency,
    {{ beside_in_reporting([('states.amount', 'reporting_amount')], 'rates.rate') }},
    cast(date_trunc('month', ends.last_day) + interval '1 month - 1 day' as date) as period_ends_on,
    states.open_since,
    states.first_seen_on,
    case when least(states.valid_to, states.settled_on) <= {{ as_of_date() }}
        then least(states.valid_to, states.settled_on) end as changed_on
from ends
inner join {{ ref('refund_states') }} as states
    on ends.last_day >= states.valid_from and ends.last_day < least(states.valid_to, states.settled_on)
inner join {{ ref('dim_refund_group') }} as groups on states.group_key = groups.group_key
inner join {{ ref('refund_gaps') }} as gaps on states.gap = gaps.gap
left join {{ ref('refund_group_rates') }} as rates on states.group_key = rates.group_key
