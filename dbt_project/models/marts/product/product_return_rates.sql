-- Grain: one row per SKU. Units that came back over units shipped, of all sales ever, with the Wilson interval
-- of the rate: order by rate_low, so that three returns of four sold don't top the list. Additive: units; all of
-- them are those of product_return_rate. Rates are computed anew for any sum.
{{ config(materialized='table', indexes=[{'columns': ['rate_low']}]) }}

with members as (

    select
        sku,
        max(product_category) as product_category,
        sum(shipped_quantity) as shipped_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(unattributed_quantity) as unattributed_quantity
    from {{ ref('return_rate_units') }}
    group by sku

),

{{ return_rates(['sku', 'product_category']) }}
