-- closing = opening + accrued - used + re-estimated, and the opening is the closing of the month before.
{{ config(meta={'failure_means': 'The refund liability does not roll forward: finance can''t book its change.'}) }}
with months as (

    select
        *,
        lag(refund_liability) over (partition by product_category order by month) as closing_before
    from {{ ref('refund_liability') }}

)

select *
from months
where refund_liability <> opening_value + accrued_value - used_value + re_estimated_value
    or opening_value <> coalesce(closing_before, 0)
