-- Grain: one row per match group: a return line, or a refund or order without one.
-- The three legs side by side, before their gaps are explained: entitlement (E) under the policy, credit
-- memos (M), cash at the processor (P). Amounts in the group's currency. Not published.
{{ config(materialized='table') }}

with lines as (

    select * from {{ ref('fct_return_line') }}

),

memos as (

    select
        *,
        coalesce(
            return_line_key, 'REF:' || refund_id, 'ORD:' || order_no, 'MEMO:' || memo_no
        ) as group_key
    from {{ ref('fct_credit_memo_component') }}

),

tenders as (

    select *, coalesce(return_line_key, 'REF:' || refund_id) as group_key
    from {{ ref('fct_refund_tender') }}

),

settlements as (

    select
        *,
        coalesce(return_line_key, 'REF:' || refund_id, 'SET:' || settlement_id) as group_key
    from {{ ref('fct_settlement') }}
    where type in ('refund', 'refund_failure') and status = 'succeeded'

),

groups as (

    select group_key from memos
    union
    select group_key from tenders where status <> 'canceled'
    union
    select group_key from settlements
    union
    select return_line_key as group_key
    from lines
    where is_counted and (received_quantity > 0 or is_returnless)

),

first_refund as (

    select
        group_key,
        min(refund_id) as refund_id,
        min(order_no) as order_no,
        min(currency) as currency,
        min(created_on) filter (where is_returnless) as returnless_on,
        bool_or(status = 'failed') as has_failed_refund,
        coalesce(
            sum(amount) filter (where is_credit_tender and status = 'succeeded'), 0
        ) as credit_tender_amount
    from tenders
    group by group_key

),

-- M: memos that stand; a memo and its reversal cancel out

memo_totals as (

    select
        group_key,
        memo_no,
        min(reverses_memo_no) as reverses_memo_no,
        min(order_no) as order_no,
        min(currency) as currency,
        min(posted_on) as posted_on,
        sum(amount) as amount
    from memos
    group by group_key, memo_no

),

standing_memos as (

    select
        memo_totals.*,
        row_number() over (
            partition by group_key, amount order by posted_on, memo_no
        ) > 1 as is_duplicate
    from memo_totals
    where
        reverses_memo_no is null
        and not exists (
            select 1
            from memo_totals as reversal
            where
                reversal.group_key = memo_totals.group_key
                and reversal.reverses_memo_no = memo_totals.memo_no
        )

),

credited as (

    select
        standing_memos.group_key,
        max(standing_memos.posted_on) as last_on,
        sum(memos.amount) filter (where standing_memos.is_duplicate) as duplicate_amount,
        sum(memos.amount) filter (where memos.component = 'merchandise') as merchandise,
        sum(memos.amount) filter (where memos.component = 'tax') as tax,
        sum(memos.amount) filter (where memos.component = 'shipping') as shipping,
        sum(memos.amount) filter (where memos.component = 'duty') as duty,
        sum(memos.amount) filter (where memos.component = 'restocking_fee') as restocking_fee,
        sum(memos.amount) filter (where memos.component = 'return_label_fee') as label_fee
    from standing_memos
    inner join memos
        on memos.group_key = standing_memos.group_key and memos.memo_no = standing_memos.memo_no
    where not standing_memos.is_duplicate
    group by standing_memos.group_key

),

memo_sums as (

    select
        group_key,
        min(order_no) as order_no,
        min(currency) as currency,
        max(posted_on) as last_on,
        sum(amount) as amount
    from memo_totals
    group by group_key

),

duplicate_memos as (

    select group_key, sum(amount) as amount
    from standing_memos
    where is_duplicate
    group by group_key

),

-- P: what the processor moved, in the group's currency

group_currency as (

    select
        groups.group_key,
        coalesce(lines.currency, memo_sums.currency, first_refund.currency) as currency
    from groups
    left join lines
        on lines.return_line_key = groups.group_key
    left join memo_sums
        on memo_sums.group_key = groups.group_key
    left join first_refund
        on first_refund.group_key = groups.group_key

),

converted as (

    select
        settlements.group_key,
        settlements.refund_id,
        settlements.type,
        settlements.booked_on,
        settlements.fee_amount,
        settlements.currency <> coalesce(group_currency.currency, settlements.currency) as is_foreign,
        case
            when settlements.currency = coalesce(group_currency.currency, settlements.currency)
                then -settlements.gross_amount
            else -round(settlements.gross_amount * from_rate.rate / to_rate.rate, 2)
        end as amount
    from settlements
    left join group_currency
        on group_currency.group_key = settlements.group_key
    left join {{ ref('dim_exchange_rate') }} as from_rate
        on
            from_rate.currency = settlements.currency
            and settlements.booked_on >= from_rate.valid_from
            and settlements.booked_on < from_rate.valid_to
    left join {{ ref('dim_exchange_rate') }} as to_rate
        on
            to_rate.currency = group_currency.currency
            and settlements.booked_on >= to_rate.valid_from
            and settlements.booked_on < to_rate.valid_to

),

-- A refund sent again under its idempotency key is the same payment; under another key it is a second.
payments as (

    select
        converted.group_key,
        coalesce(keys.idempotency_key, converted.refund_id) as payment_key,
        min(converted.booked_on) as first_on,
        sum(converted.amount) as amount
    from converted
    left join (
        select refund_id, min(idempotency_key) as idempotency_key
        from tenders
        group by refund_id
    ) as keys
        on keys.refund_id = converted.refund_id
    group by converted.group_key, coalesce(keys.idempotency_key, converted.refund_id)

),

duplicate_payments as (

    select group_key, sum(amount) as amount
    from (
        select
            *,
            row_number() over (
                partition by group_key, amount order by first_on, payment_key
            ) > 1 as is_duplicate
        from payments
        where amount > 0
    ) as ranked
    where is_duplicate
    group by group_key

),

paid as (

    select
        group_key,
        max(booked_on) as last_on,
        sum(amount) as amount,
        sum(-fee_amount) filter (where type = 'refund') as fee_amount,
        bool_or(is_foreign) as is_foreign,
        bool_or(type = 'refund_failure') as has_failure
    from converted
    group by group_key

),

-- E: what the accepted units entitle to, by cumulative rounding over the units of the sales line

accepted as (

    select
        *,
        case when is_returnless then requested_quantity else received_quantity end
            as accepted_quantity,
        resolution in ('exchange', 'replacement', 'repair') as is_in_kind,
        case
            when fault_party = 'customer' and resolution = 'refund' and not is_blind
                then coalesce(restocking_fee_pct, 0)
            else 0
        end as fee_pct
    from lines
    where is_counted

),

positioned as (

    select
        *,
        coalesce(sum(accepted_quantity) over (
            partition by sales_line_key
            order by basis_at, return_line_key
            rows between unbounded preceding and 1 preceding
        ), 0) as earlier_quantity
    from accepted
    where sales_line_key is not null and line_quantity > 0

),

entitled as (

    select
        return_line_key as group_key,
        accepted_quantity,
        earlier_quantity,
        line_quantity,
        line_net_amount,
        line_tax_amount,
        fee_pct,
        is_in_kind,
        case when is_in_kind then 0 else
            round(line_net_amount * (earlier_quantity + accepted_quantity) / line_quantity, 2)
            - round(line_net_amount * earlier_quantity / line_quantity, 2)
        end as merchandise,
        case when is_in_kind then 0 else
            round(line_tax_amount * (earlier_quantity + accepted_quantity) / line_quantity, 2)
            - round(line_tax_amount * earlier_quantity / line_quantity, 2)
        end as tax,
        {{ utc_date('last_received_at') }} as last_received_on
    from positioned

),

final as (

    select
        groups.group_key,
        lines.return_line_key,
        first_refund.refund_id,
        coalesce(lines.order_no, first_refund.order_no, memo_sums.order_no) as order_no,
        lines.order_line_no,
        lines.rma_no,
        lines.request_id,
        lines.channel,
        lines.product_category,
        group_currency.currency,
        coalesce(lines.resolution, 'unknown') as resolution,
        coalesce(entitled.is_in_kind, lines.resolution in ('exchange', 'replacement', 'repair'), false)
            as is_in_kind,

        -- entitlement
        coalesce(entitled.accepted_quantity, 0) > 0 as has_entitlement,
        coalesce(entitled.last_received_on, first_refund.returnless_on) as entitled_on,
        coalesce(entitled.accepted_quantity, 0) as accepted_quantity,
        coalesce(entitled.earlier_quantity, 0) as earlier_quantity,
        entitled.line_quantity,
        entitled.line_net_amount,
        entitled.line_tax_amount,
        coalesce(entitled.fee_pct, 0) as fee_pct,
        coalesce(entitled.merchandise, 0) as entitled_merchandise,
        coalesce(entitled.tax, 0) as entitled_tax,
        coalesce(-round(entitled.merchandise * entitled.fee_pct / 100, 2), 0) as entitled_fee,

        -- credit memos
        credited.group_key is not null as has_memo,
        coalesce(credited.last_on, memo_sums.last_on) as credited_on,
        coalesce(memo_sums.amount, 0) as credited_amount,
        coalesce(duplicate_memos.amount, 0) as duplicate_memo_amount,
        coalesce(credited.merchandise, 0) as credited_merchandise,
        coalesce(credited.tax, 0) as credited_tax,
        coalesce(credited.shipping, 0) as credited_shipping,
        coalesce(credited.duty, 0) as credited_duty,
        coalesce(credited.restocking_fee, 0) as credited_restocking_fee,
        coalesce(credited.label_fee, 0) as credited_label_fee,

        -- cash
        paid.group_key is not null as has_cash,
        paid.last_on as paid_on,
        coalesce(paid.amount, 0) as paid_amount,
        coalesce(duplicate_payments.amount, 0) as duplicate_payment_amount,
        coalesce(paid.fee_amount, 0) as payment_fee_amount,
        coalesce(paid.is_foreign, false) as is_settled_in_other_currency,
        coalesce(first_refund.has_failed_refund, false) or coalesce(paid.has_failure, false)
            as has_failed_refund,
        coalesce(first_refund.credit_tender_amount, 0) as credit_tender_amount
    from groups
    left join lines
        on lines.return_line_key = groups.group_key
    left join group_currency
        on group_currency.group_key = groups.group_key
    left join entitled
        on entitled.group_key = groups.group_key
    left join memo_sums
        on memo_sums.group_key = groups.group_key
    left join credited
        on credited.group_key = groups.group_key
    left join duplicate_memos
        on duplicate_memos.group_key = groups.group_key
    left join paid
        on paid.group_key = groups.group_key
    left join duplicate_payments
        on duplicate_payments.group_key = groups.group_key
    left join first_refund
        on first_refund.group_key = groups.group_key

)

select * from final
