-- Over the fiscal periods the classes of a gap re-add to what the exceptions say of it, in each group.
{{ config(meta={'failure_means': 'A fiscal period explains other cents than the group as a whole: the proof of a month would not be that of its groups.'}) }}
with by_period as (
    select group_key, gap, class, sum(amount) as amount
    from {{ ref('refund_gap_periods') }}
    where {{ touched_refund_units_only() }}
    group by group_key, gap, class
),

as_a_whole as (
    select exceptions.group_key, exceptions.gap, exceptions.class, exceptions.amount
    from {{ ref('refund_exceptions') }} as exceptions
    inner join {{ ref('refund_groups') }} as groups on exceptions.group_key = groups.group_key
    where exceptions.status <> 'cleared' and {{ touched_refund_units_only('groups.unit_key') }}
)

select
    group_key,
    gap,
    class,
    by_period.amount as amount_of_periods,
    as_a_whole.amount as amount_as_a_whole
from by_period
full join as_a_whole using (group_key, gap, class)
where coalesce(by_period.amount, 0) <> coalesce(as_a_whole.amount, 0)
