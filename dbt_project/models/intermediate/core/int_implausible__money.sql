-- Grain: one row per record of the touched units and rule that it contradicts: memos, refunds, settlements
-- and journals. What is missing or off between them has its class in the reconciliation.

with orders as (
    select order_no, min(ordered_on) as ordered_on, min(currency) as order_currency
    from {{ ref('int_sales_lines') }}
    group by order_no
),

components as (
    select *, sum(amount) over (partition by memo_no, currency) as memo_amount
    from {{ ref('int_credit_memos') }}
),

memo_heads as (
    select distinct on (unit_key, memo_no)
        unit_key, memo_no, currency, memo_amount, reverses_memo_no is not null as is_reversal
    from components
    order by unit_key, memo_no, memo_component_key
),

memos as (
    select
        components.*,
        orders.ordered_on,
        orders.order_currency,
        original.memo_no as original_no,
        original.currency as original_currency,
        original.memo_amount as original_amount,
        coalesce(original.is_reversal, false) as is_reversal_of_reversal,
        'erp_credit_memos' as feed,
        components.memo_component_key as record_key
    from components
    left join orders
        on components.order_no = orders.order_no and components.unit_key = orders.order_no
    left join memo_heads as original
        on components.reverses_memo_no = original.memo_no and components.unit_key = original.unit_key
),

refunds as (
    select
        tenders.*,
        orders.ordered_on,
        orders.order_currency,
        min(tenders.amount) over (
            partition by tenders.unit_key, tenders.idempotency_key, tenders.tender_no
        ) as least_of_key,
        max(tenders.amount) over (
            partition by tenders.unit_key, tenders.idempotency_key, tenders.tender_no
        ) as most_of_key,
        'crm_refunds' as feed,
        tenders.refund_tender_key as record_key
    from {{ ref('int_refunds') }} as tenders
    left join orders on tenders.order_no = orders.order_no and tenders.unit_key = orders.order_no
),

issued as (
    select
        unit_key, refund_id, min(created_on) as refund_created_on, min(currency) as refund_currency
    from refunds
    group by unit_key, refund_id
),

settlements as (
    select
        booked.*,
        issued.refund_created_on,
        issued.refund_currency,
        'erp_payment_settlements' as feed,
        booked.settlement_id as record_key
    from {{ ref('int_settlements') }} as booked
    left join issued on booked.refund_id = issued.refund_id and booked.unit_key = issued.unit_key
),

journals as (
    select
        entries.*,
        entries.account in (select known.account from {{ ref('gl_accounts') }} as known)
            as is_account_known,
        'erp_gl_entries' as feed,
        entries.gl_line_key as record_key
    from {{ ref('int_gl_lines') }} as entries
)

{{ contradictions('money') }}
