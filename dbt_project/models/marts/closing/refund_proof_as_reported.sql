-- Grain: one row per closed period, entity, currency and line of the proof: what was reported with the close,
-- laid out as refund_proof is. Each amount is that of the period's own rows and of what had changed by then
-- in periods closed before.
{{ config(
    materialized='view',
    meta={'publish_to': 'finance', 'primary_key': ['period', 'entity', 'currency', 'position']},
) }}

with sums as (
    select
        posted_period as period, entity, currency, document_currency, leg, gap, class,
        case when is_adjustment then 'earlier' else 'own' end as part,
        sum(amount) as amount, sum(document_amount) as document_amount,
        sum(document_amount) as source_amount
    from {{ ref('period_postings') }}
    where is_frozen
    group by posted_period, entity, currency, document_currency, leg, gap, class, is_adjustment
),

proof_lines as (
    {{ proof_lines('sums') }}
)

select
    period, entity, currency, position, line, leg, gap, class, label,
    cast(sum(amount) as numeric(18, 2)) as amount,
    cast(coalesce(sum(amount) filter (where part = 'own'), 0) as numeric(18, 2)) as own_amount,
    cast(coalesce(sum(amount) filter (where part = 'earlier'), 0) as numeric(18, 2)) as earlier_amount
from proof_lines
group by period, entity, currency, position, line, leg, gap, class, label
having line not in ('converted', 'missing') or sum(amount) <> 0
