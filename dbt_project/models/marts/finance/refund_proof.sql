-- Grain: one row per fiscal period, entity (the site that sold), currency and line of the proof: each leg as
-- the sources have it, what was settled in another currency, the leg in the groups, the bridge from leg to
-- leg by class, and checks that are 0. Follow `position`: leg less its classes is the next leg.
{{ config(
    materialized='table',
    indexes=[{'columns': ['period', 'entity', 'currency', 'position', 'line', 'class'], 'unique': true}],
) }}

with documents as (
    select documents.*, groups.ship_from_site as entity
    from {{ ref('refund_documents') }} as documents
    inner join {{ ref('refund_groups') }} as groups on documents.group_key = groups.group_key
    where documents.effective_on <= {{ as_of_date() }}
),

legs (leg, position, label) as (
    values
    ('E', 100, 'Entitlement'), ('M', 200, 'Credit memos'), ('P', 300, 'Cash'),
    ('G', 400, 'Cash in the ledger'), ('T', 500, 'Refunds issued'), ('GM', 600, 'Memos in the ledger')
),

sums as (
    select period, entity, currency, leg, 'source' as line, sum(amount) as amount
    from documents
    group by period, entity, currency, leg
    union all
    select period, entity, group_currency, leg, 'leg' as line, sum(group_amount) as amount
    from documents
    group by period, entity, group_currency, leg
),

bridges as (
    select periods.period, periods.entity, periods.currency, periods.gap, periods.class,
        sum(periods.amount) as amount
    from {{ ref('refund_gap_periods') }} as periods
    group by periods.period, periods.entity, periods.currency, periods.gap, periods.class
),

leg_lines as (
    select
        sums.period, sums.entity, sums.currency,
        legs.position + case sums.line when 'source' then 0 else 2 end as position,
        sums.line, sums.leg, null as gap, '' as class,
        legs.label || case sums.line when 'source' then ' as in the source' else '' end as label,
        sums.amount
    from sums
    inner join legs on sums.leg = legs.leg
    union all
    select
        sums.period, sums.entity, sums.currency, legs.position + 1 as position, 'converted' as line, sums.leg,
        null as gap, '' as class, legs.label || ' of other currencies, converted' as label,
        sum(case sums.line when 'leg' then sums.amount else -sums.amount end) as amount
    from sums
    inner join legs on sums.leg = legs.leg
    group by sums.period, sums.entity, sums.currency, legs.position, legs.label, sums.leg
    having sum(case sums.line when 'leg' then sums.amount else -sums.amount end) <> 0
),

bridge_lines as (
    select
        bridges.period, bridges.entity, bridges.currency,
        {{ proof_position('gaps.gap_no') }} + classes.class_no as position,
        'bridge' as line, null as leg, bridges.gap, bridges.class,
        'less ' || classes.label as label, -bridges.amount as amount
    from bridges
    inner join {{ ref('refund_gaps') }} as gaps on bridges.gap = gaps.gap
    inner join {{ ref('refund_classes') }} as classes on bridges.class = classes.class
),

checks as (
    select
        parts.period, parts.entity, parts.currency, gaps.gap, gaps.gap_no, gaps.label,
        sum(parts.amount) as amount
    from (
        select sums.period, sums.entity, sums.currency, sides.gap,
            case when sums.leg = sides.left_leg then sums.amount else -sums.amount end as amount
        from sums
        inner join {{ ref('refund_gaps') }} as sides on sums.leg in (sides.left_leg, sides.right_leg)
        where sums.line = 'leg'
        union all
        select period, entity, currency, gap, -amount as amount from bridges
    ) as parts
    inner join {{ ref('refund_gaps') }} as gaps on parts.gap = gaps.gap
    group by parts.period, parts.entity, parts.currency, gaps.gap, gaps.gap_no, gaps.label
)

select period, entity, currency, position, line, leg, gap, class, label,
    cast(amount as numeric(18, 2)) as amount, {{ as_of_date() }} as business_date
from leg_lines
union all
select period, entity, currency, position, line, leg, gap, class, label,
    cast(amount as numeric(18, 2)) as amount, {{ as_of_date() }} as business_date
from bridge_lines
union all
select
    period, entity, currency, {{ proof_position('gap_no') }} + 20 as position, 'check' as line,
    null as leg, gap, '' as class, label || ': what the classes leave' as label,
    cast(amount as numeric(18, 2)) as amount, {{ as_of_date() }} as business_date
from checks
