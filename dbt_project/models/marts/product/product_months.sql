-- Grain: one row per month, SKU, product category and currency: what was shipped, what came back, what
-- was credited. Kept by difference from the models that post to it.
-- Additive: every quantity, over months and SKUs; credited_amount within a currency, credited_reporting over all.
{{ config(
    materialized='incremental',
    incremental_strategy='posted_to',
    indexes=[{'columns': ['sku']}]
) }}

{{ sums_of('product_months', ['kpi_of_sales_lines', 'kpi_of_receipts', 'kpi_of_memos']) }}
