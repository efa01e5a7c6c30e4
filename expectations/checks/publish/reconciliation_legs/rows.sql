-- asset: build.refund_reconciliation beside core
-- key: group_key, leg, currency
-- holds: finance
-- One row a group whose memos or settlements are not what the reconciliation holds. The key
-- names no amount, since messages are read by others than finance.
with in_core as (
    select
        b.group_key,
        'credit memos' as leg,
        min(f.currency) as currency,
        count(distinct f.currency) as currencies,
        sum(f.amount) as amount
    from (
        select
            unit_key,
            memo_no as document_no,
            currency,
            amount
        from core.fct_credit_memo_component
        where posted_on <= {{ as_of }}
    ) as f
    left join core.bridge_refund_document as b
        on f.document_no = b.document_no and f.unit_key = b.unit_key
            and b.document_type = 'memo'
    group by b.group_key
    union all
    select
        b.group_key,
        'cash' as leg,
        min(f.currency) as currency,
        count(distinct f.currency) as currencies,
        sum(f.amount) as amount
    from (
        select
            unit_key,
            settlement_id as document_no,
            currency,
            -gross_amount as amount
        from core.fct_settlement
        where status = 'succeeded' and type in ('refund', 'refund_failure', 'chargeback')
            and booked_on <= {{ as_of }}
    ) as f
    left join core.bridge_refund_document as b
        on f.document_no = b.document_no and f.unit_key = b.unit_key
            and b.document_type = 'settlement'
    group by b.group_key
),

in_reconciliation as (
    select
        group_key,
        'credit memos' as leg,
        currency,
        credited_amount as amount
    from build.refund_reconciliation
    union all
    select
        group_key,
        'cash' as leg,
        currency,
        paid_amount as amount
    from build.refund_reconciliation
)

select
    c.group_key,
    c.leg,
    c.currency,
    c.amount as in_core,
    r.amount as in_reconciliation
from in_core as c
left join in_reconciliation as r on c.group_key = r.group_key and c.leg = r.leg
-- A memo and its reversal, or a refund and its failure, leave nothing behind.
where (r.group_key is null and c.amount <> 0)
    -- Cash in another currency than the group's is converted there, and not compared here.
    or (r.currency = c.currency and c.currencies = 1 and r.amount <> c.amount)
