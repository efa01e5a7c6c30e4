-- Grain: one row per step, request month, channel, product category, hours and outcome: a histogram of
-- how long units took; step 0 is the whole cycle, steps 1 to 4 are not sliced and say 'ALL'.
-- Kept by difference like kpi_sums. Additive: units. Not published; the Kaplan–Meier marts read it.
{{ config(
    incremental_strategy='posted_to',
    indexes=[{
        'columns': ['request_month', 'step_no', 'channel', 'product_category', 'hours', 'outcome'], 'unique': true,
    }]
) }}

{{ sums_of('return_hours', ['return_unit_spans', 'kpi_of_open_units']) }}
