-- Grain: one row per match group, gap, class and span of days [valid_from, valid_to) in which the class holds
-- the same cents. Spans to come, when a leg that is missing today will be overdue, are there as well.
-- Derived from what documents say of each day, so a rebuild gives the same. Store credit is settled once it is
-- spent. Not published.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'replaces': 'refund_units'},
    indexes=[
        {'columns': ['unit_key']}, {'columns': ['group_key']}, {'columns': ['valid_from']},
        {'columns': ['valid_to']},
    ],
) }}

with class_days as (
    select * from {{ ref('refund_class_days') }}
),

days as (
    select group_key, unit_key, day from {{ ref('refund_leg_days') }}
),

kinds as (
    select distinct group_key, gap, class from class_days
),

filled as (
    select
        days.unit_key, kinds.group_key, kinds.gap, kinds.class, days.day,
        coalesce(class_days.amount, 0) as amount
    from kinds
    inner join days on kinds.group_key = days.group_key
    left join class_days
        on kinds.group_key = class_days.group_key and kinds.gap = class_days.gap
        and kinds.class = class_days.class and days.day = class_days.day
),

-- Since when anything of the gap has been open without a break
gap_days as (
    select
        group_key, gap, day,
        bool_or(amount <> 0) as is_open,
        lag(bool_or(amount <> 0)) over (partition by group_key, gap order by day) as was_open
    from filled
    group by group_key, gap, day
),

gap_runs as (
    select
        group_key, gap, day,
        max(case when is_open and not coalesce(was_open, false) then day end)
            over (partition by group_key, gap order by day) as open_since
    from gap_days
),

changes as (
    select
        *,
        lag(amount) over by_class as amount_before
    from filled
    window by_class as (partition by group_key, gap, class order by day)
),

spans as (
    select
        unit_key, group_key, gap, class, amount, day as valid_from,
        coalesce(lead(day) over by_class, cast('9999-12-31' as date)) as valid_to,
        max(case when amount <> 0 and coalesce(amount_before, 0) = 0 then day end) over by_class
            as first_seen_on
    from changes
    where amount is distinct from amount_before
    window by_class as (partition by group_key, gap, class order by day)
)

select
    spans.unit_key,
    spans.group_key,
    spans.gap,
    spans.class,
    spans.valid_from,
    spans.valid_to,
    cast(spans.amount as numeric(18, 2)) as amount,
    spans.first_seen_on,
    gap_runs.open_since,
    -- no item from then on, though the gap keeps its cents
    case when spent.spent_on is not null then greatest(spent.spent_on, spans.valid_from) end as settled_on
from spans
inner join gap_runs
    on spans.group_key = gap_runs.group_key and spans.gap = gap_runs.gap
    and spans.valid_from = gap_runs.day
left join {{ ref('refund_spent_credits') }} as spent
    on spans.group_key = spent.group_key and abs(spans.amount) = spent.amount
    and spans.class = 'STORE_CREDIT_OR_EXCHANGE' and spans.gap in ('M-P', 'P-G')
where spans.amount <> 0
