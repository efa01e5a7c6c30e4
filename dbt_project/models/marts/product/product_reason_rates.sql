-- Grain: one row per SKU and reason that it came back for: units over all units of the SKU shipped ever, with the
-- Wilson interval. Additive: returned and unattributed units; all of them are those of product_return_rate. Not
-- additive: the units shipped, the same on every row of a SKU, since nothing is shipped for a reason.
{{ config(materialized='table', indexes=[{'columns': ['rate_low']}, {'columns': ['sku']}]) }}

with skus as (

    select
        sku,
        max(product_category) as product_category,
        sum(shipped_quantity) as shipped_quantity
    from {{ ref('return_rate_units') }}
    group by sku

),

members as (

    select
        units.sku,
        units.reason,
        skus.product_category,
        skus.shipped_quantity,
        sum(units.returned_quantity) as returned_quantity,
        sum(units.unattributed_quantity) as unattributed_quantity
    from {{ ref('return_rate_units') }} as units
    inner join skus on units.sku = skus.sku
    where units.reason is not null
    group by units.sku, units.reason, skus.product_category, skus.shipped_quantity

),

{{ return_rates(['sku', 'reason', 'product_category'], shipped='sku_shipped_quantity') }}
