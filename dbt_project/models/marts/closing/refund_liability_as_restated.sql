-- Grain: one row per month of a closed period, product category and figure of the accrual: as it was known with the
-- close, as it is now, and the difference. Additive over categories within a month and figure, never over months.
{{ config(
    materialized='view',
    meta={'publish_to': 'finance', 'primary_key': ['month', 'product_category', 'figure']},
) }}

{%- set figures = [
    'opening_value', 'accrued_value', 'used_value', 're_estimated_value', 'refund_liability', 'expected_cost',
    'right_of_return_asset',
] %}

with frozen as (
    select accruals.*, acts.period
    from {{ source('ops', 'frozen_accruals') }} as accruals
    inner join {{ ref('period_acts') }} as acts on accruals.act_id = acts.act_id and acts.is_in_force
),

closed_months as (
    select distinct period, month from frozen
),

-- A category may have come to a closed month since, or left it
sides as (
    {%- for figure in figures %}
    select
        period, month, product_category, currency, '{{ figure }}' as figure,
        {{ figure }} as reported_amount, 0 as restated_amount
    from frozen
    union all
    select
        closed_months.period, now.month, now.product_category, now.currency, '{{ figure }}' as figure,
        0 as reported_amount, now.{{ figure }} as restated_amount
    from {{ ref('refund_liability') }} as now
    inner join closed_months on now.month = closed_months.month
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    period,
    month,
    product_category,
    figure,
    cast(sum(reported_amount) as numeric(18, 2)) as reported_amount,
    cast(sum(restated_amount) as numeric(18, 2)) as restated_amount,
    cast(sum(restated_amount - reported_amount) as numeric(18, 2)) as difference,
    currency
from sides
group by period, month, product_category, figure, currency
