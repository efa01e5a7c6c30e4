-- Grain: one row per match group, gap and class that has cents, or had until lately (status cleared, amount
-- 0): whose, and what to do; what refund_exceptions shows without its age. Amounts are in the row's currency; additive
-- within a gap and currency.
{{ config(
    materialized='table',
    indexes=[
        {'columns': ['class', 'open_since']}, {'columns': ['order_no']}, {'columns': ['status', 'owner']},
    ],
) }}

with states as (
    select
        *,
        valid_to > {{ as_of_date() }} as is_current,
        row_number() over (partition by group_key, gap, class order by valid_from desc) as latest
    from {{ ref('refund_states') }}
    where valid_from <= {{ as_of_date() }}
        and valid_to > {{ as_of_date() }} - {{ var('cleared_days', 31) }}
),

-- A leg that was only a few days late is no news
listed as (
    select * from states
    where latest = 1 and (is_current or class <> 'CUTOFF')
),

gaps as (
    select * from {{ ref('refund_gaps') }}
),

statuses as (
    select * from {{ ref('refund_item_statuses') }}
),

actions as (
    select * from {{ ref('refund_gap_actions') }}
),

periods as (
    select group_key, gap, max(last_period) as period
    from {{ ref('refund_gap_periods') }}
    group by group_key, gap
)

select
    listed.group_key,
    listed.gap,
    listed.class,
    gaps.is_chain,
    groups.return_line_key,
    groups.refund_id,
    groups.memo_no,
    groups.order_no,
    groups.order_line_no,
    groups.rma_no,
    groups.pattern,
    groups.pattern_name,
    -- cents
    cast(case when listed.is_current then listed.amount else 0 end as numeric(18, 2)) as amount,
    listed.amount as last_amount,
    -- statuses has what stands as of the business date alone
    cast(coalesce(statuses.open_amount, 0) as numeric(18, 2)) as open_amount,
    cast(coalesce(statuses.gross_amount, 0) as numeric(18, 2)) as gross_amount,
    groups.currency,
    {{ beside_in_reporting([
        ('case when listed.is_current then listed.amount else 0 end', 'reporting_amount'),
        ('listed.amount', 'last_reporting'),
        ('coalesce(statuses.open_amount, 0)', 'open_reporting'),
        ('coalesce(statuses.gross_amount, 0)', 'gross_reporting'),
    ], 'rates.rate') }},
    periods.period,
    -- ageing
    listed.open_since,
    listed.first_seen_on,
    case when not listed.is_current then listed.valid_to - 1 end as last_seen_on,
    -- what to do
    case when listed.is_current then statuses.status else 'cleared' end as status,
    coalesce(statuses.owner, actions.owner) as owner,
    case when listed.is_current then statuses.next_action else 'none: cleared' end as next_action
from listed
inner join {{ ref('refund_groups') }} as groups on listed.group_key = groups.group_key
inner join gaps on listed.gap = gaps.gap
left join {{ ref('refund_group_rates') }} as rates on listed.group_key = rates.group_key
left join statuses
    on listed.group_key = statuses.group_key and listed.gap = statuses.gap
    and listed.class = statuses.class
left join actions on listed.gap = actions.gap and listed.class = actions.class
left join periods on listed.group_key = periods.group_key and listed.gap = periods.gap
