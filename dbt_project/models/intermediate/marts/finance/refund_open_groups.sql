-- Grain: one row per match group with cents in any gap as of the business date: since when, and the classes
-- by gap. These age every night, touched or not. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key'], 'unique': true}]) }}

with current_states as (
    select * from {{ ref('refund_states') }}
    where valid_to > {{ as_of_date() }} and valid_from <= {{ as_of_date() }}
),

statuses as (
    select * from {{ ref('refund_item_statuses') }}
)

select
    current_states.group_key,
    {%- for gap, name in [
        ('E-M', 'entitlement'), ('M-P', 'cash'), ('P-G', 'ledger'), ('M-T', 'issue'),
        ('M-G', 'memo_ledger'),
    ] %}
    string_agg(classes.class, ', ' order by classes.class_no)
        filter (where current_states.gap = '{{ gap }}') as {{ name }}_classes,
    {%- endfor %}
    coalesce(
        sum(current_states.amount) filter (
            where current_states.class = 'UNEXPLAINED' and gaps.is_chain
        ), 0
    ) as chain_unexplained_amount,
    -- what is made good or waits for nothing does not age
    min(current_states.open_since) filter (where statuses.status in ('open', 'waiting')) as open_since
from current_states
inner join {{ ref('refund_classes') }} as classes on current_states.class = classes.class
inner join {{ ref('refund_gaps') }} as gaps on current_states.gap = gaps.gap
inner join statuses
    on current_states.group_key = statuses.group_key
    and current_states.gap = statuses.gap and current_states.class = statuses.class
group by current_states.group_key
