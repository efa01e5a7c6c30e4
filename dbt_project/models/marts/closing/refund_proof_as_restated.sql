-- Grain: one row per closed period, entity, currency and line of the proof: the period's own rows as they
-- were when it was closed, and as they are now. What lies between is in `restatements`, row by row.
{{ config(
    materialized='view',
    meta={'publish_to': 'finance', 'primary_key': ['period', 'entity', 'currency', 'position']},
) }}

with sums as (
    select
        original_period as period, entity, currency, document_currency, leg, gap, class,
        case when is_adjustment then 'later' else 'reported' end as part,
        sum(amount) as amount, sum(document_amount) as document_amount,
        sum(document_amount) as source_amount
    from {{ ref('period_postings') }}
    where is_frozen or is_adjustment
    group by original_period, entity, currency, document_currency, leg, gap, class, is_adjustment
),

proof_lines as (
    {{ proof_lines('sums') }}
)

select
    period, entity, currency, position, line, leg, gap, class, label,
    cast(coalesce(sum(amount) filter (where part = 'reported'), 0) as numeric(18, 2)) as reported_amount,
    cast(sum(amount) as numeric(18, 2)) as restated_amount,
    cast(coalesce(sum(amount) filter (where part = 'later'), 0) as numeric(18, 2)) as difference
from proof_lines
group by period, entity, currency, position, line, leg, gap, class, label
having line not in ('converted', 'missing') or sum(amount) <> 0
    or coalesce(sum(amount) filter (where part = 'reported'), 0) <> 0
