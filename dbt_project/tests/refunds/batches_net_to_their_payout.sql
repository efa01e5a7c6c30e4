-- Settlement rows net to their batch's payout, in each batch that has one. Rows that were refused count with
-- the amount that could be read of them; where batch or amount could not be, no batch of the file is judged.
{{ config(meta={'holds': 'finance', 'failure_means': 'A batch of the processor lacks a row, has one twice, or was paid out otherwise: compare its rows in core.fct_settlement, and those in ops.quarantine, with the processor''s statement.'}) }}
with refused as (
    select
        refused.file_id,
        refused.readable ->> 'settlement_id' as settlement_id,
        refused.readable ->> 'batch_no' as batch_no,
        refused.readable ->> 'currency' as currency,
        coalesce(refused.readable ->> 'type', '') as type,
        cast(refused.readable ->> 'net_amount' as numeric) as net_amount,
        coalesce(refused.readable ->> 'status', 'succeeded') as status
    from {{ source('ops', 'quarantine') }} as refused
    inner join {{ source('ops', 'file_ledger') }} as files on refused.file_id = files.file_id
    where refused.feed = 'erp_payment_settlements' and files.status = 'loaded'
),

-- A corrected row that came since stands for the refused one
missing as (
    select distinct batch_no, currency, type, net_amount, settlement_id
    from refused
    where status = 'succeeded'
        and batch_no is not null and currency is not null and net_amount is not null
        and not exists (
            select 1 from {{ ref('fct_settlement') }} as come
            where come.settlement_id = refused.settlement_id
        )
),

-- Refused rows are not kept for ever: where some have gone, nobody can say what they held
unreadable_files as (
    select file_id from refused
    where batch_no is null or currency is null or net_amount is null
    union
    select files.file_id
    from {{ source('ops', 'file_ledger') }} as files
    where files.feed = 'erp_payment_settlements' and files.status = 'loaded'
        and files.rows_quarantined
        > (select count(*) from refused where refused.file_id = files.file_id)
),

batches as (
    select batch_no from {{ ref('fct_settlement') }} where {{ touched_only() }}
    except
    select staged.batch_no
    from {{ ref('stg_erp__payment_settlements') }} as staged
    where exists (select 1 from unreadable_files)
        and staged._file_id in (select file_id from unreadable_files)
),

rows_of_batch as (
    select batch_no, currency, type, net_amount from {{ ref('fct_settlement') }}
    where status = 'succeeded' and batch_no in (select batch_no from batches)
    union all
    select batch_no, currency, type, net_amount from missing
    where batch_no in (select batch_no from batches)
)

select
    batch_no,
    currency,
    sum(net_amount) filter (where type <> 'payout') as net_of_rows,
    sum(net_amount) filter (where type = 'payout') as payout
from rows_of_batch
group by batch_no, currency
having bool_or(type = 'payout')
    and coalesce(sum(net_amount) filter (where type <> 'payout'), 0)
    <> sum(net_amount) filter (where type = 'payout')
