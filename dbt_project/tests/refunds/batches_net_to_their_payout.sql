-- Settlement rows net to their batch's payout, in each batch that has one.
{{ config(meta={'failure_means': 'A batch of the processor lacks a row, has one twice, or was paid out otherwise: compare its rows in core.fct_settlement with the processor''s statement.'}) }}
with batches as (
    select distinct batch_no from {{ ref('fct_settlement') }} where {{ touched_only() }}
)

select
    rows_of_batch.batch_no,
    rows_of_batch.currency,
    sum(rows_of_batch.net_amount) filter (where rows_of_batch.type <> 'payout') as net_of_rows,
    sum(rows_of_batch.net_amount) filter (where rows_of_batch.type = 'payout') as payout
from {{ ref('fct_settlement') }} as rows_of_batch
inner join batches on rows_of_batch.batch_no = batches.batch_no
where rows_of_batch.status = 'succeeded'
group by rows_of_batch.batch_no, rows_of_batch.currency
having bool_or(rows_of_batch.type = 'payout')
    and coalesce(sum(rows_of_batch.net_amount) filter (where rows_of_batch.type <> 'payout'), 0)
    <> sum(rows_of_batch.net_amount) filter (where rows_of_batch.type = 'payout')
