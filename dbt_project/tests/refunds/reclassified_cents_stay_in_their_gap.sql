-- What moves from one class to another is neither new nor cleared: over a gap it adds up to nothing.
{{ config(meta={'failure_means': 'Reclassification makes or loses cents.'}) }}
select day, gap, currency, sum(reclassified_amount) as amount
from {{ ref('reconciliation_rollforward') }}
group by day, gap, currency
having sum(reclassified_amount) <> 0
