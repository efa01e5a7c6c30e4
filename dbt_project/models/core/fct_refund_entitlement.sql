{{ config(indexes=[
    {'columns': ['return_line_key', 'acceptance'], 'unique': true}, {'columns': ['unit_key']},
]) }}
-- Grain: one row per return line and acceptance: a receipt, or the grant to keep the goods. What the units
-- entitle to under the policy in force at the sale, each part the value of all units accepted up to
-- then less that of the earlier ones, so that parts re-add to the sale (cumulative rounding). Units beyond
-- those sold entitle to nothing. Amounts in the sale's currency; fees are negative.

with accepted as (
    select * from {{ ref('int_refund_acceptances') }}
),

valued as (
    select
        *,
        {{ share_between('merchandise_basis') }} as merchandise_amount,
        {{ share_between('tax_basis') }} as tax_amount,
        {{ share_between('shipping_basis') }} as shipping_amount
    from accepted
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
    unit_key,
    return_line_key,
    acceptance,
    policy_key,
    order_no,
    order_line_no,
    -- timing
    accepted_at,
    {{ business_day('accepted_at') }} as accepted_on,
    -- quantities
    accepted_quantity,
    units_before,
    units_upto,
    line_quantity,
    -- what other units would be worth
    merchandise_basis,
    tax_basis,
    shipping_basis,
    fee_pct,
    label_fee,
    -- amounts: what the units are worth; an exchange, repair or replacement is made good in goods
    is_in_kind,
    currency,
    cast(merchandise_amount as numeric(18, 2)) as merchandise_amount,
    cast(tax_amount as numeric(18, 2)) as tax_amount,
    cast(shipping_amount as numeric(18, 2)) as shipping_amount,
    cast(restocking_fee_amount as numeric(18, 2)) as restocking_fee_amount,
    cast(label_fee_amount as numeric(18, 2)) as label_fee_amount,
    cast(
        merchandise_amount + tax_amount + shipping_amount + restocking_fee_amount + label_fee_amount
        as numeric(18, 2)
    ) as value_amount,
    cast(
        case when is_in_kind then 0 else
            merchandise_amount + tax_amount + shipping_amount + restocking_fee_amount + label_fee_amount
        end as numeric(18, 2)
    ) as entitled_amount
from charged
