-- Grain: one row per month of a closed period and product category: refund liability and right-of-return asset as
-- reported with the close. The opening is the closing reported of the month before; what had changed in that
-- by then is earlier_value. Additive over categories within a month, never over months.
--     closing = opening + earlier + accrued on the month's sales - returns of the month + re-estimated
{{ config(
    materialized='view', meta={'publish_to': 'finance', 'primary_key': ['month', 'product_category']},
) }}

with frozen as (
    select
        accruals.*,
        acts.period,
        lag(accruals.refund_liability) over (
            partition by accruals.product_category order by accruals.month
        ) as reported_before
    from {{ source('ops', 'frozen_accruals') }} as accruals
    inner join {{ ref('period_acts') }} as acts on accruals.act_id = acts.act_id and acts.is_in_force
)

select
    period,
    month,
    product_category,
    shipped_value,
    revenue,
    cast(coalesce(reported_before, opening_value) as numeric(18, 2)) as opening_value,
    cast(opening_value - coalesce(reported_before, opening_value) as numeric(18, 2)) as earlier_value,
    accrued_value,
    used_value,
    re_estimated_value,
    refund_liability,
    expected_cost,
    recovery_share,
    right_of_return_asset,
    currency,
    act_id
from frozen
