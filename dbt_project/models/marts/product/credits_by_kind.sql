-- Grain: one row per month of posting, kind of line, component and currency: what was credited for goods, and
-- what for postage, by hand, for fees, as the company's codes that are no goods are called.
-- Additive: credited_amount within a currency, reporting_amount over all.
{{ config(materialized='table', indexes=[{'columns': ['month']}]) }}

with components as (

    select
        cast(date_trunc('month', memos.posted_on) as date) as month,
        case
            when memos.is_product then 'Goods'
            else (
                select min(codes.label) from {{ ref('non_product_codes') }} as codes
                where memos.sku like codes.sku_pattern
            )
        end as kind,
        memos.is_product as is_goods,
        memos.component,
        memos.currency,
        memos.amount,
        memos.reporting_amount
    from {{ ref('fct_credit_memo_component') }} as memos

)

select
    month,
    kind,
    is_goods,
    component,
    currency,
    cast(sum(amount) as numeric(18, 2)) as credited_amount,
    cast(sum(reporting_amount) as numeric(18, 2)) as reporting_amount
from components
group by month, kind, is_goods, component, currency
