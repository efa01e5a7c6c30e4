-- Leg less its classes is the next leg, in each fiscal period, entity and currency.
{{ config(meta={'failure_means': 'The proof of a month does not re-add: a leg or a class is missing from it.'}) }}
select period, entity, currency, gap, label, amount
from {{ ref('refund_proof') }}
where line = 'check' and amount <> 0
