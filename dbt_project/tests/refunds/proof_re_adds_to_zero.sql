-- Leg less its classes is the next leg, and the groups have what the sources have, in each fiscal period,
-- entity and currency.
{{ config(meta={'failure_means': 'The proof of a month does not re-add: a leg or a class is missing from it.'}) }}
select period, entity, currency, gap, label, amount
from {{ ref('refund_proof') }}
where line in ('check', 'missing') and amount <> 0
