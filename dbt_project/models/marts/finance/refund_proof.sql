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

sums as (
    select
        period, entity, group_currency as currency, currency as document_currency, leg,
        cast(null as text) as gap, cast(null as text) as class, 'whole' as part,
        sum(group_amount) as amount, sum(amount) as document_amount
    from documents
    group by period, entity, group_currency, currency, leg
    union all
    select
        period, entity, currency, cast(null as text) as document_currency, cast(null as text) as leg,
        gap, class, 'whole' as part, sum(amount) as amount, cast(null as numeric) as document_amount
    from {{ ref('refund_gap_periods') }}
    group by period, entity, currency, gap, class
),

proof_lines as (
    {{ proof_lines('sums') }}
)

select
    period, entity, currency, position, line, leg, gap, class, label,
    cast(sum(amount) as numeric(18, 2)) as amount,
    {{ as_of_date() }} as business_date
from proof_lines
group by period, entity, currency, position, line, leg, gap, class, label
having line <> 'converted' or sum(amount) <> 0
