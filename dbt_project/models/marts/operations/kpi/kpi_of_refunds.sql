-- Grain: one row per component of a credit memo line, on the day of posting (basis REFUND).
-- Additive: reporting amounts; credited_amount within a currency.
{{ config(
    meta={
        'replaces': 'units',
        'posts': [
            {'to': 'product_months', 'where': 'is_product',
             'keys': {'month': "cast(date_trunc('month', period_date) as date)"},
             'sums': {'credited_amount': 'credited_amount'}},
        ],
    }
) }}

with memos as (

    select * from {{ ref('fct_credit_memo_component') }}
    where {{ in_touched_units('unit_key') }}

),

final as (

    select
        unit_key,
        posted_on as period_date,
        channel,
        product_category,
        sku,
        sku is not null and {{ is_product('sku') }} as is_product,
        currency,
        amount as credited_amount
    from memos

)

select * from final
