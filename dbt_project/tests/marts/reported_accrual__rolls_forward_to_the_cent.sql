-- As reported, closing = opening + earlier + accrued - used + re-estimated, from one closed month to the next.
{{ config(meta={'failure_means': 'A closed month shows another accrual than was reported with it: someone changed ops.frozen_accruals.'}) }}
select *
from {{ ref('refund_liability_as_reported') }}
where refund_liability
    <> opening_value + earlier_value + accrued_value - used_value + re_estimated_value
