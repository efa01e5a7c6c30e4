-- Grain: one row per day, site and product category: returned units that left stock for good that day.
-- Kept by difference like kpi_sums. Additive: units. Not published; days of stock read it.
{{ config(
    incremental_strategy='posted_to',
    indexes=[{'columns': ['disposed_on', 'site', 'product_category'], 'unique': true}]
) }}

{{ sums_of('returned_stock_outflow', ['kpi_of_dispositions']) }}
