-- Grain: one row per return line and acceptance of the touched units: what its units are worth under the policy
-- in force at the sale, each part the value of all units accepted up to then less that of the earlier ones,
-- so that parts re-add to the sale (cumulative rounding).

with valued as (
    select
        *,
        {{ share_between('merchandise_basis') }} as merchandise_amount,
        {{ share_between('tax_basis') }} as tax_amount,
        {{ share_between('shipping_basis') }} as shipping_amount
    from {{ ref('int_refund_acceptances') }}
),

-- The fee is a share of the merchandise of the return line so far
charged as (
    select
        *,
        -round(sum(merchandise_amount) over up_to_now * fee_pct / 100, 2)
        + round(
            (sum(merchandise_amount) over up_to_now - merchandise_amount) * fee_pct / 100, 2
        ) as restocking_fee_amount,
        case when row_number() over up_to_now = 1 then -label_fee else 0 end as label_fee_amount
    from valued
    window up_to_now as (
        partition by return_line_key order by accepted_at, acceptance
        rows between unbounded preceding and current row
    )
)

select
    *,
    merchandise_amount + tax_amount + shipping_amount + restocking_fee_amount + label_fee_amount as value_amount
from charged
