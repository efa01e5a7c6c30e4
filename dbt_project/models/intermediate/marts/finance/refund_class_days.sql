-- Grain: one row per match group, day, gap and class; only classes with cents.
-- What no class takes of a gap is UNEXPLAINED, so that the classes re-add to it. A gap with a leg that the
-- company doesn't carry is none. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'gap', 'class', 'day']}]) }}

with legs as (
    select * from {{ ref('refund_leg_days') }}
),

classes as (
    select group_key, day, gap, class, sum(amount) as amount
    from {{ ref('refund_line_classes') }}
    group by group_key, day, gap, class
    union all
    select group_key, day, gap, class, amount from {{ ref('refund_cash_classes') }}
    union all
    select group_key, day, gap, class, amount from {{ ref('refund_posting_classes') }}
),

gaps as (
    select legs.unit_key, legs.group_key, legs.day, gap.gap, gap.amount
    from legs
    cross join lateral (
        values
        ('E-M', legs.e_amount - legs.m_amount),
        ('M-P', legs.m_amount - legs.p_amount),
        ('P-G', legs.p_amount - legs.g_amount),
        ('M-T', legs.m_amount - legs.t_amount),
        ('M-G', legs.m_amount - legs.gm_amount)
    ) as gap (gap, amount)
    inner join {{ ref('refund_gaps') }} as sides on gap.gap = sides.gap
    where {{ is_claimed('sides') }}
),

explained as (
    select
        gaps.unit_key, gaps.group_key, gaps.day, gaps.gap, gaps.amount as gap_amount,
        classes.class, classes.amount
    from gaps
    left join classes
        on gaps.group_key = classes.group_key and gaps.day = classes.day and gaps.gap = classes.gap
)

select unit_key, group_key, day, gap, class, cast(amount as numeric(18, 2)) as amount
from explained
where class is not null
union all
select
    unit_key, group_key, day, gap, 'UNEXPLAINED' as class,
    cast(gap_amount - coalesce(sum(amount), 0) as numeric(18, 2)) as amount
from explained
group by unit_key, group_key, day, gap, gap_amount
having gap_amount <> coalesce(sum(amount), 0)
