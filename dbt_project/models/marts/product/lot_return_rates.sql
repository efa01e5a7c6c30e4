-- Grain: one row per SKU and lot, NONE where the sale, or the goods without one, name no lot: return rate of all
-- sales ever with its Wilson interval. Additive: units; all of them are those of product_return_rate.
{{ config(materialized='table', indexes=[{'columns': ['rate_low']}]) }}

with members as (

    select
        sku,
        lot_no,
        max(product_category) as product_category,
        sum(shipped_quantity) as shipped_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(unattributed_quantity) as unattributed_quantity
    from {{ ref('return_rate_units') }}
    group by sku, lot_no

),

{{ return_rates(['sku', 'lot_no', 'product_category']) }}
