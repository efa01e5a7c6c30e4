-- Grain: one row per match group, gap and class; only classes with cents.
-- Each class takes its share of what the classes before it left, in the fixed order of the domain, so
-- the classes of a gap re-add to it exactly. What no rule explains is UNEXPLAINED. Not published.
{{ config(materialized='table') }}

with legs as (

    select
        *,
        entitled_merchandise + entitled_tax + entitled_fee as entitled_amount
    from {{ ref('refund_legs') }}

),

measured as (

    select
        *,
        entitled_amount - credited_amount as entitlement_gap,
        credited_amount - paid_amount as cash_gap,
        -- How many units the merchandise credited is worth; whole and exact only where units were the fault.
        case
            when line_net_amount > 0
                then cast(round(credited_merchandise * line_quantity / line_net_amount) as bigint)
        end as credited_units
    from legs

),

revalued as (

    select
        *,
        round(line_net_amount * (earlier_quantity + credited_units) / line_quantity, 2)
        - round(line_net_amount * earlier_quantity / line_quantity, 2) as units_merchandise,
        round(line_tax_amount * (earlier_quantity + credited_units) / line_quantity, 2)
        - round(line_tax_amount * earlier_quantity / line_quantity, 2) as units_tax
    from measured

),

priced as (

    select
        *,
        coalesce(
            credited_units <> accepted_quantity and units_merchandise = credited_merchandise, false
        ) as has_other_units,
        -round(units_merchandise * fee_pct / 100, 2) as units_fee
    from revalued

),

-- E - M

entitlement_open as (

    select
        *,
        entitlement_gap + duplicate_memo_amount as open_amount
    from priced

),

entitlement_rules as (

    select
        group_key,
        'E-M' as gap,
        entitlement_gap as gap_amount,
        rule.class,
        rule.amount
    from entitlement_open
    cross join lateral (
        values
        ('DUPLICATE', -duplicate_memo_amount),
        (
            'STORE_CREDIT_OR_EXCHANGE',
            case when is_in_kind then open_amount else 0 end
        ),
        (
            'CUTOFF',
            case
                when
                    not is_in_kind and has_entitlement <> has_memo
                    and {{ as_of_date() }} - coalesce(
                        case when has_entitlement then entitled_on else credited_on end,
                        {{ as_of_date() }}
                    ) <= {{ var('cutoff_days', 7) }}
                    then open_amount
                else 0
            end
        ),
        (
            'ROUNDING',
            case
                when
                    not is_in_kind and has_entitlement and has_memo and abs(open_amount) <= 0.02
                    then open_amount
                else 0
            end
        )
    ) as rule (class, amount)

    union all

    select
        group_key,
        'E-M' as gap,
        entitlement_gap as gap_amount,
        rule.class,
        rule.amount
    from entitlement_open
    cross join lateral (
        values
        (
            'QUANTITY',
            case
                when has_other_units
                    then entitled_amount - (units_merchandise + units_tax + units_fee)
                else 0
            end
        ),
        (
            'PRICE_OR_DISCOUNT',
            case when has_other_units then 0 else entitled_merchandise - credited_merchandise end
        ),
        (
            'TAX',
            case when has_other_units then units_tax else entitled_tax end - credited_tax
        ),
        ('SHIPPING', -credited_shipping),
        ('DUTY', -credited_duty),
        (
            'RESTOCKING_FEE',
            case when has_other_units then units_fee else entitled_fee end - credited_restocking_fee
        ),
        ('LABEL_FEE', -credited_label_fee)
    ) as rule (class, amount)
    where not is_in_kind and has_entitlement and has_memo and abs(open_amount) > 0.02

),

-- M - P

cash_open as (

    select
        *,
        cash_gap - duplicate_memo_amount + duplicate_payment_amount as open_amount,
        has_failed_refund and paid_amount - duplicate_payment_amount = 0 as is_failed
    from priced

),

cash_credited as (

    select
        *,
        case
            when is_failed then 0
            when is_in_kind then open_amount
            when open_amount > 0 then least(open_amount, credit_tender_amount)
            else 0
        end as in_credit_amount
    from cash_open

),

cash_rest as (

    select
        *,
        case when is_failed then 0 else open_amount - in_credit_amount end as rest_amount
    from cash_credited

),

cash_rules as (

    select
        group_key,
        'M-P' as gap,
        cash_gap as gap_amount,
        rule.class,
        rule.amount
    from cash_rest
    cross join lateral (
        values
        ('DUPLICATE', duplicate_memo_amount - duplicate_payment_amount),
        ('FAILED_REFUND', case when is_failed then open_amount else 0 end),
        ('STORE_CREDIT_OR_EXCHANGE', in_credit_amount),
        (
            'CUTOFF',
            case
                when
                    has_memo <> has_cash
                    and {{ as_of_date() }} - coalesce(
                        case when has_memo then credited_on else paid_on end, {{ as_of_date() }}
                    ) <= {{ var('cutoff_days', 7) }}
                    then rest_amount
                else 0
            end
        ),
        (
            'ROUNDING',
            case
                when has_memo and has_cash and abs(rest_amount) <= 0.02 then rest_amount
                else 0
            end
        ),
        (
            'FX',
            case
                when
                    has_memo and has_cash and abs(rest_amount) > 0.02
                    and is_settled_in_other_currency
                    then rest_amount
                else 0
            end
        ),
        (
            'PROCESSOR_FEE',
            case
                when
                    has_memo and has_cash and abs(rest_amount) > 0.02
                    and not is_settled_in_other_currency and rest_amount = payment_fee_amount
                    then rest_amount
                else 0
            end
        )
    ) as rule (class, amount)

),

ruled as (

    select * from entitlement_rules
    union all
    select * from cash_rules

),

unexplained as (

    select
        group_key,
        gap,
        gap_amount,
        'UNEXPLAINED' as class,
        gap_amount - sum(amount) as amount
    from ruled
    group by group_key, gap, gap_amount

),

final as (

    select * from ruled
    where amount <> 0
    union all
    select * from unexplained
    where amount <> 0

)

select
    group_key,
    gap,
    class,
    cast(gap_amount as numeric(18, 2)) as gap_amount,
    cast(amount as numeric(18, 2)) as amount
from final
