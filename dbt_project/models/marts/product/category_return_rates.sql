-- Grain: one row per category of the product as of the sale: return rate of all sales ever with its Wilson
-- interval. Additive: units; all of them are those of product_return_rate.
{{ config(materialized='table', indexes=[{'columns': ['rate_low']}]) }}

with members as (

    select
        product_category,
        sum(shipped_quantity) as shipped_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(unattributed_quantity) as unattributed_quantity
    from {{ ref('return_rate_units') }}
    group by product_category

),

{{ return_rates(['product_category']) }}
