-- Grain: one row per KPI, basis, day, channel, product category, site and day on which what is summed
-- here becomes mature. The models of contributions keep it: each night they take off what touched
-- units contributed before and add what they contribute now (macros/sums_by_difference.sql).
-- Additive: contributions, numerator, denominator. Not published; kpi_cells rolls it up.
{{ config(
    incremental_strategy='posted_to',
    indexes=[
        {
            'columns': ['kpi', 'basis', 'period_date', 'channel', 'product_category', 'site', 'mature_on'],
            'unique': true,
        },
        {'columns': ['mature_on']},
    ]
) }}

{{ sums_of('kpi_sums', [
    'kpi_of_sales_lines', 'kpi_of_orders', 'kpi_of_receipts', 'kpi_of_dispositions', 'kpi_of_return_lines',
    'kpi_of_requests', 'kpi_of_labels', 'kpi_of_memos', 'kpi_of_refunds', 'kpi_of_over_refunds',
    'kpi_of_claims', 'kpi_of_stock', 'return_unit_spans', 'kpi_of_open_units', 'kpi_of_backlog',
]) }}
