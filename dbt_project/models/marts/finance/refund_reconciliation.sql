-- Grain: one row per match group: its legs, its gaps, and the classes that explain them.
-- Amounts are in the row's currency; additive within a currency only.
{{ config(
    materialized='table',
    indexes=[{'columns': ['order_no']}, {'columns': ['pattern']}, {'columns': ['currency', 'is_reconciled']}]
) }}

with legs as (

    select * from {{ ref('refund_legs') }}

),

classes as (

    select
        group_key,
        string_agg(class, ', ' order by class) filter (where gap = 'E-M') as entitlement_classes,
        string_agg(class, ', ' order by class) filter (where gap = 'M-P') as cash_classes,
        coalesce(sum(amount) filter (where class = 'UNEXPLAINED'), 0) as unexplained_amount
    from {{ ref('refund_gap_classes') }}
    group by group_key

),

named as (

    select
        *,
        concat(
            case when has_entitlement then 1 else 0 end,
            case when has_memo then 1 else 0 end,
            case when has_cash then 1 else 0 end
        ) as pattern
    from legs

),

final as (

    select
        named.group_key,
        named.return_line_key,
        named.refund_id,
        named.order_no,
        named.order_line_no,
        named.rma_no,
        named.request_id,
        named.channel,
        named.product_category,
        named.resolution,
        named.pattern,
        case named.pattern
            when '111' then 'complete'
            when '110' then 'unsettled'
            when '101' then 'memo missing'
            when '100' then 'return without refund'
            when '011' then 'refund without return'
            when '010' then 'orphan memo'
            when '001' then 'orphan cash'
            else 'nothing due'
        end as pattern_name,
        named.currency,
        cast(named.entitled_merchandise + named.entitled_tax + named.entitled_fee as numeric(18, 2))
            as entitled_amount,
        cast(named.credited_amount as numeric(18, 2)) as credited_amount,
        cast(named.paid_amount as numeric(18, 2)) as paid_amount,
        cast(
            named.entitled_merchandise + named.entitled_tax + named.entitled_fee
            - named.credited_amount as numeric(18, 2)
        ) as entitlement_gap,
        cast(named.credited_amount - named.paid_amount as numeric(18, 2)) as cash_gap,
        classes.entitlement_classes,
        classes.cash_classes,
        cast(coalesce(classes.unexplained_amount, 0) as numeric(18, 2)) as unexplained_amount,
        classes.group_key is null as is_reconciled,
        named.entitled_on,
        named.credited_on,
        named.paid_on,
        {{ as_of_date() }} as business_date
    from named
    left join classes
        on classes.group_key = named.group_key

)

select * from final
