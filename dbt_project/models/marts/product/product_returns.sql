-- Grain: one row per month and SKU: what was shipped, what came back, what was credited.
-- Additive: every quantity, over months and SKUs; credited_amount within a currency. A rate is computed
-- when read. Returns stand in the month in which they were received, credits in the month of posting.
{{ config(
    materialized='table',
    indexes=[{'columns': ['sku']}, {'columns': ['month']}]
) }}

with shipped as (

    select
        cast(date_trunc('month', shipped_on) as date) as month,
        sku,
        product_category,
        sum(shipped_quantity) as shipped_quantity
    from {{ ref('fct_sales_line') }}
    where shipped_quantity > 0
    group by cast(date_trunc('month', shipped_on) as date), sku, product_category

),

received as (

    select
        cast(date_trunc('month', received_on) as date) as month,
        sku,
        product_category,
        sum(quantity) as returned_quantity
    from {{ ref('fct_receipt') }}
    where is_product
    group by cast(date_trunc('month', received_on) as date), sku, product_category

),

credited as (

    select
        cast(date_trunc('month', posted_on) as date) as month,
        sku,
        product_category,
        currency,
        sum(amount) as credited_amount
    from {{ ref('fct_credit_memo_component') }}
    where sku is not null and {{ is_product('sku') }}
    group by cast(date_trunc('month', posted_on) as date), sku, product_category, currency

),

stacked as (

    select
        month, sku, product_category, null as currency,
        shipped_quantity, 0 as returned_quantity, 0 as credited_amount
    from shipped
    union all
    select
        month, sku, product_category, null as currency,
        0 as shipped_quantity, returned_quantity, 0 as credited_amount
    from received
    union all
    select
        month, sku, product_category, currency,
        0 as shipped_quantity, 0 as returned_quantity, credited_amount
    from credited

),

final as (

    select
        month,
        sku,
        product_category,
        coalesce(currency, '{{ var("reporting_currency") }}') as currency,
        cast(sum(shipped_quantity) as bigint) as shipped_quantity,
        cast(sum(returned_quantity) as bigint) as returned_quantity,
        cast(sum(credited_amount) as numeric(18, 2)) as credited_amount,
        {{ as_of_date() }} as business_date
    from stacked
    group by month, sku, product_category, coalesce(currency, '{{ var("reporting_currency") }}')

)

select * from final
