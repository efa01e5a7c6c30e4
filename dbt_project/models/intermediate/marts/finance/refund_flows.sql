-- Grain: one row per match group, gap, class and day on which its cents changed: what is new, what is
-- cleared or settled, and what only moved from one class of the gap to another. Signed as the amounts are; new less
-- cleared plus reclassified is the change. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'refund_units'},
    indexes=[{'columns': ['unit_key']}, {'columns': ['day']}],
) }}

with states as (
    select unit_key, group_key, gap, class, amount, valid_from, least(valid_to, settled_on) as valid_to
    from {{ ref('refund_states') }}
    where {{ in_refund_units() }} and (settled_on is null or settled_on > valid_from)
),

changes as (
    select unit_key, group_key, gap, class, day, sum(before) as before, sum(after) as after
    from (
        select unit_key, group_key, gap, class, valid_from as day, 0 as before, amount as after
        from states
        union all
        select unit_key, group_key, gap, class, valid_to as day, amount as before, 0 as after
        from states
        where valid_to < cast('9999-12-31' as date)
    ) as edges
    group by unit_key, group_key, gap, class, day
),

-- Away from zero is opened, towards zero is closed; owed and overpaid cents each by themselves
signed as (
    select
        changes.*,
        side.sign,
        greatest(greatest(changes.after * side.sign, 0) - greatest(changes.before * side.sign, 0), 0) as opened,
        greatest(greatest(changes.before * side.sign, 0) - greatest(changes.after * side.sign, 0), 0) as closed,
        classes.class_no
    from changes
    cross join (values (1), (-1)) as side (sign)
    inner join {{ ref('refund_classes') }} as classes on changes.class = classes.class
),

pooled as (
    select
        *,
        least(sum(opened) over of_gap, sum(closed) over of_gap) as moved,
        sum(opened) over up_to_class - opened as opened_before,
        sum(closed) over up_to_class - closed as closed_before
    from signed
    window
        of_gap as (partition by group_key, gap, day, sign),
        up_to_class as (
            partition by group_key, gap, day, sign order by class_no
            rows between unbounded preceding and current row
        )
),

-- What opens in one class as it closes in another was there before: taken in the order of the classes
shared as (
    select
        *,
        {{ up_to('moved - opened_before', 'opened') }} as moved_in,
        {{ up_to('moved - closed_before', 'closed') }} as moved_out
    from pooled
)

select
    shared.unit_key,
    shared.group_key,
    groups.currency,
    shared.gap,
    shared.class,
    shared.day,
    cast(sum(shared.sign * (shared.opened - shared.moved_in)) as numeric(18, 2)) as new_amount,
    cast(sum(shared.sign * (shared.closed - shared.moved_out)) as numeric(18, 2)) as cleared_amount,
    cast(sum(shared.sign * (shared.moved_in - shared.moved_out)) as numeric(18, 2)) as reclassified_amount,
    {{ beside_in_reporting([
        ('sum(shared.sign * (shared.opened - shared.moved_in))', 'new_reporting'),
        ('sum(shared.sign * (shared.closed - shared.moved_out))', 'cleared_reporting'),
        ('sum(shared.sign * (shared.moved_in - shared.moved_out))', 'reclassified_reporting'),
    ], 'min(rates.rate)') }},
    min(case when shared.before = 0 then 1 when shared.after = 0 then -1 else 0 end) as items_change
from shared
inner join {{ ref('dim_refund_group') }} as groups on shared.group_key = groups.group_key
left join {{ ref('refund_group_rates') }} as rates on shared.group_key = rates.group_key
where shared.before <> shared.after
group by
    shared.unit_key, shared.group_key, groups.currency, shared.gap, shared.class, shared.day
