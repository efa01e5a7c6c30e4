-- Grain: one row per match group, gap and class: the cents, how old they are, and what to do.
-- Amounts are in the row's currency; additive within a currency only.
{{ config(
    materialized='table',
    indexes=[{'columns': ['class', 'age_bucket']}, {'columns': ['order_no']}]
) }}

with classes as (

    select * from {{ ref('refund_gap_classes') }}

),

groups as (

    select * from {{ ref('refund_reconciliation') }}

),

actions as (

    select *
    from (
        values
        ('DUPLICATE', 'recover the second payment or reverse the second memo', 'open'),
        ('FAILED_REFUND', 'send the refund again to another account', 'open'),
        ('STORE_CREDIT_OR_EXCHANGE', 'none: settled in credit or goods', 'explained'),
        ('QUANTITY', 'compare units credited with units accepted; correct the memo', 'open'),
        ('PRICE_OR_DISCOUNT', 'compare the memo with the price paid; correct the memo', 'open'),
        ('TAX', 'correct the tax on the memo', 'open'),
        ('SHIPPING', 'confirm that shipping was to be refunded', 'open'),
        ('DUTY', 'confirm that duty was to be refunded', 'open'),
        ('RESTOCKING_FEE', 'compare the fee with the policy', 'open'),
        ('LABEL_FEE', 'compare the fee with the policy', 'open'),
        ('FX', 'post the exchange difference', 'open'),
        ('PROCESSOR_FEE', 'claim the fee from the processor or post it', 'open'),
        ('CUTOFF', 'wait: the other leg is expected within days', 'waiting'),
        ('ROUNDING', 'post the rounding difference', 'explained'),
        ('UNEXPLAINED', 'look into the documents of this group', 'open')
    ) as a (class, next_action, status)

),

aged as (

    select
        classes.*,
        groups.return_line_key,
        groups.refund_id,
        groups.order_no,
        groups.order_line_no,
        groups.rma_no,
        groups.pattern_name,
        groups.currency,
        -- Since the first of the gap's two legs was there.
        coalesce(
            case
                when classes.gap = 'E-M' then least(groups.entitled_on, groups.credited_on)
                else least(groups.credited_on, groups.paid_on)
            end,
            groups.entitled_on,
            {{ as_of_date() }}
        ) as open_since
    from classes
    inner join groups
        on groups.group_key = classes.group_key

),

final as (

    select
        aged.group_key,
        aged.gap,
        aged.class,
        aged.return_line_key,
        aged.refund_id,
        aged.order_no,
        aged.order_line_no,
        aged.rma_no,
        aged.pattern_name,
        aged.amount,
        aged.currency,
        aged.open_since,
        {{ as_of_date() }} - aged.open_since as age_days,
        case
            when {{ as_of_date() }} - aged.open_since <= 3 then '0-3'
            when {{ as_of_date() }} - aged.open_since <= 7 then '4-7'
            when {{ as_of_date() }} - aged.open_since <= 14 then '8-14'
            when {{ as_of_date() }} - aged.open_since <= 30 then '15-30'
            when {{ as_of_date() }} - aged.open_since <= 60 then '31-60'
            when {{ as_of_date() }} - aged.open_since <= 90 then '61-90'
            else '90+'
        end as age_bucket,
        actions.status,
        actions.next_action,
        {{ as_of_date() }} as business_date
    from aged
    inner join actions
        on actions.class = aged.class

)

select * from final
