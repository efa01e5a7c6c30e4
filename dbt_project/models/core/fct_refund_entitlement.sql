{{ config(indexes=[
    {'columns': ['return_line_key', 'acceptance'], 'unique': true}, {'columns': ['unit_key']},
]) }}
-- Grain: one row per return line and acceptance: a receipt, the grant to keep the goods, or goods sent in exchange.
-- What the units entitle to under the policy in force at the sale; parts re-add to the sale. Units beyond those
-- sold entitle to nothing. Goods that are sent take away what they make good: what is left is due in money, below
-- 0 from the customer. Amounts in the sale's currency; fees are negative.

{%- set columns = [
    'unit_key', 'return_line_key', 'acceptance', 'policy_key', 'order_no', 'order_line_no', 'accepted_at',
    'accepted_quantity', 'units_before', 'units_upto', 'line_quantity', 'merchandise_basis', 'tax_basis',
    'shipping_basis', 'fee_pct', 'label_fee', 'is_in_kind', 'currency', 'merchandise_amount', 'tax_amount',
    'shipping_amount', 'restocking_fee_amount', 'label_fee_amount', 'value_amount',
] %}
{%- set of_goods = {
    'acceptance': "'SENT:' || replaced.sales_line_key", 'accepted_at': 'replaced.replaced_at',
    'accepted_quantity': '0', 'units_before': 'last_accepted.units_upto', 'is_in_kind': 'true',
} %}

with accepted as (
    select * from {{ ref('int_refund_values') }}
),

replaced as (
    select
        *,
        -- goods against goods; a cent or two of rounding are no balance
        case when abs(goods_amount - sent_amount) > 0.02 then goods_amount - sent_amount end as balance_amount
    from {{ ref('int_refund_replaced') }}
),

last_accepted as (
    select distinct on (return_line_key) *
    from accepted
    order by return_line_key asc, accepted_at desc, acceptance desc
),

entitled as (
    select
        {{ columns | join(', ') }},
        case when is_in_kind then accepted_quantity else 0 end as replaced_quantity,
        cast(null as numeric) as balance_amount,
        case when is_in_kind then 0 else value_amount end as entitled_amount
    from accepted
    union all
    select
        {%- for column in columns %}
        {{ of_goods.get(column, '0' if column.endswith('_amount') else 'last_accepted.' ~ column) }} as {{ column }},
        {%- endfor %}
        replaced.replaced_quantity,
        replaced.balance_amount,
        coalesce(replaced.balance_amount, 0) - replaced.value_amount as entitled_amount
    from replaced
    inner join last_accepted on replaced.return_line_key = last_accepted.return_line_key
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
    cast(replaced_quantity as bigint) as replaced_quantity,
    units_before,
    units_upto,
    line_quantity,
    -- what other units would be worth
    merchandise_basis,
    tax_basis,
    shipping_basis,
    fee_pct,
    label_fee,
    -- amounts: what the units are worth, and what of it is due in money
    is_in_kind,
    currency,
    {%- for part in ('merchandise', 'tax', 'shipping', 'restocking_fee', 'label_fee', 'value', 'balance', 'entitled') %}
    cast({{ part }}_amount as numeric(18, 2)) as {{ part }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from entitled
