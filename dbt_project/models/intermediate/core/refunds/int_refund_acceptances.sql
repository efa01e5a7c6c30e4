-- Grain: one row per return line and acceptance of the touched units: each receipt of a counted line, or
-- the grant where the customer keeps the goods; with the sale, the policy in force at it, and the units of
-- the sales line accepted before and up to now. Where the sale is not known, nobody knows either what the units
-- entitle to but whoever wrote the memo that names their receipt: it is the measure then, without a policy.

with lines as (
    select * from {{ ref('fct_return_line') }}
    where {{ in_touched_units('unit_key') }}
        and is_counted and sales_line_key is not null and line_quantity > 0
),

grants as (
    select return_line_key, min(created_at) as granted_at
    from {{ ref('int_refunds') }}
    where is_returnless and status not in ('failed', 'canceled')
    group by return_line_key
),

acceptances as (
    select return_line_key, receipt_id as acceptance, quantity, received_at as accepted_at
    from {{ ref('int_receipts') }}
    union all
    select lines.return_line_key, 'grant' as acceptance, lines.requested_quantity, grants.granted_at
    from lines
    inner join grants on lines.return_line_key = grants.return_line_key
    where lines.is_returnless
),

policies as (
    select * from {{ ref('dim_return_policy') }}
),

label_fees as (
    select * from {{ ref('return_label_fees') }}
),

credits as (
    select
        memos.return_line_key,
        memos.receipt_id,
        min(memos.currency) as currency,
        coalesce(sum(memos.amount) filter (where memos.component in ('merchandise', 'duty', 'adjustment')), 0)
            as merchandise,
        coalesce(sum(memos.amount) filter (where memos.component = 'tax'), 0) as tax,
        coalesce(sum(memos.amount) filter (where memos.component = 'shipping'), 0) as shipping,
        coalesce(
            sum(-memos.amount) filter (where memos.component in ('restocking_fee', 'return_label_fee')), 0
        ) as fees
    from {{ ref('int_credit_memos') }} as memos
    where memos.match_rule = 'receipt'
    group by memos.return_line_key, memos.receipt_id
    having min(memos.currency) = max(memos.currency) and sum(memos.amount) > 0
),

under_policy as (
    select
        lines.unit_key,
        lines.return_line_key,
        acceptances.acceptance,
        policies.policy_key,
        lines.order_no,
        lines.order_line_no,
        acceptances.accepted_at,
        acceptances.quantity as accepted_quantity,
        least(
            sum(acceptances.quantity) over by_time - acceptances.quantity, lines.line_quantity
        ) as units_before,
        least(sum(acceptances.quantity) over by_time, lines.line_quantity) as units_upto,
        lines.line_quantity,
        -- what the whole line is worth under the policy
        round(lines.line_net_amount * policies.merchandise_pct / 100, 2) as merchandise_basis,
        round(lines.line_tax_amount * policies.tax_pct / 100, 2) as tax_basis,
        round(lines.line_shipping_amount * policies.shipping_pct / 100, 2) as shipping_basis,
        lines.currency,
        {{ is_owed_in_goods('lines.') }} as is_in_kind,
        -- what nobody restocks costs no fee; a blind parcel gives no reason
        case
            when policies.takes_restocking_fee and lines.resolution = 'refund' and not lines.is_blind
                then coalesce(lines.restocking_fee_pct, 0)
            else 0
        end as fee_pct,
        case
            when policies.takes_label_fee and lines.resolution = 'refund' and not lines.is_blind
                then coalesce(label_fees.amount, 0)
            else 0
        end as label_fee
    from lines
    inner join acceptances on lines.return_line_key = acceptances.return_line_key
    inner join policies
        on lines.product_category = policies.product_category
        and lines.reason = policies.reason
        and lines.ordered_on >= policies.valid_from
        and lines.ordered_on < policies.valid_to
    left join label_fees
        on policies.policy = label_fees.policy and lines.currency = label_fees.currency
    window by_time as (
        partition by lines.sales_line_key
        order by acceptances.accepted_at, acceptances.acceptance
        rows between unbounded preceding and current row
    )
)

select * from under_policy
union all
select
    lines.unit_key,
    lines.return_line_key,
    receipts.receipt_id as acceptance,
    cast(null as text) as policy_key,
    lines.order_no,
    lines.order_line_no,
    receipts.received_at as accepted_at,
    receipts.quantity as accepted_quantity,
    0 as units_before,
    receipts.quantity as units_upto,
    receipts.quantity as line_quantity,
    credits.merchandise as merchandise_basis,
    credits.tax as tax_basis,
    credits.shipping as shipping_basis,
    credits.currency,
    false as is_in_kind,
    0 as fee_pct,
    credits.fees as label_fee
from credits
inner join {{ ref('int_receipts') }} as receipts on credits.receipt_id = receipts.receipt_id
inner join {{ ref('fct_return_line') }} as lines on credits.return_line_key = lines.return_line_key
where lines.is_counted and lines.sales_line_key is null and receipts.quantity > 0
    and {{ in_touched_units('lines.unit_key') }}
