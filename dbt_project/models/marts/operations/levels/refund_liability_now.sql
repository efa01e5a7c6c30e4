-- Grain: one row per product category: the refund liability and the right to the goods at the end of the last month.
-- Additive: everything; no month stands twice.
{{ config(materialized='view') }}

select
    liability.month,
    liability.product_category,
    liability.refund_liability,
    liability.right_of_return_asset,
    liability.expected_cost,
    liability.currency
from {{ ref('refund_liability') }} as liability
where liability.month = (select max(months.month) from {{ ref('refund_liability') }} as months)
