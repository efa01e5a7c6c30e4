-- Grain: one row per match group, gap and class with cents as of the business date: how it stands, whose it is and
-- what to do. Store credit that is not on its liability account yet is owed as cash is. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'gap', 'class'], 'unique': true}]) }}

with states as (
    select * from {{ ref('refund_states') }}
    where valid_from <= {{ as_of_date() }} and valid_to > {{ as_of_date() }}
),

-- Since when the oldest credit of the group waits for its posting
unposted as (
    select group_key, min(issued_on) as issued_on
    from {{ ref('store_credits') }}
    where status = 'issued'
    group by group_key
)

select
    states.group_key,
    states.gap,
    states.class,
    case
        when unposted.group_key is null then actions.status
        when {{ as_of_date() }} - unposted.issued_on <= {{ var('cutoff_days', 7) }} then 'waiting'
        else 'open'
    end as status,
    case when unposted.group_key is null then actions.owner else 'general ledger' end as owner,
    case when unposted.group_key is null then actions.next_action
        else 'post the store credit to its liability account' end as next_action
from states
left join {{ ref('refund_gap_actions') }} as actions
    on states.gap = actions.gap and states.class = actions.class
left join unposted
    on states.group_key = unposted.group_key
    and states.gap = 'M-P' and states.class = 'STORE_CREDIT_OR_EXCHANGE'
