{{ config(indexes=[
    {'columns': ['return_line_key', 'acceptance'], 'unique': true}, {'columns': ['unit_key']},
]) }}
-- Grain: one row per return line and acceptance: a receipt, the grant to keep the goods, or the balance of an
-- exchange for something dearer or cheaper. What the units entitle to under the policy in force at the
-- sale; parts re-add to the sale. Units beyond those sold entitle to nothing. Amounts in the sale's currency;
-- fees are negative.

{%- set columns = [
    'unit_key', 'return_line_key', 'acceptance', 'policy_key', 'order_no', 'order_line_no', 'accepted_at',
    'accepted_quantity', 'units_before', 'units_upto', 'line_quantity', 'merchandise_basis', 'tax_basis',
    'shipping_basis', 'fee_pct', 'label_fee', 'is_in_kind', 'currency', 'merchandise_amount', 'tax_amount',
    'shipping_amount', 'restocking_fee_amount', 'label_fee_amount', 'value_amount',
] %}
{%- set of_balance = {
    'acceptance': "'balance'", 'accepted_at': 'balances.balanced_at', 'accepted_quantity': '0',
    'units_before': 'last_accepted.units_upto',
} %}

with accepted as (
    select * from {{ ref('int_refund_values') }}
),

-- Goods against goods, once as many units are sent as came back; a cent or two of rounding are no balance
balances as (
    select
        accepted.return_line_key,
        greatest(max(accepted.accepted_at), max(sent.sent_at)) as balanced_at,
        sum(accepted.merchandise_amount + accepted.tax_amount) - max(sent.sent_amount) as balance_amount
    from accepted
    inner join {{ ref('int_refund_exchanges') }} as sent
        on accepted.return_line_key = sent.return_line_key
    group by accepted.return_line_key
    having max(sent.sent_quantity) >= sum(accepted.accepted_quantity)
        and abs(sum(accepted.merchandise_amount + accepted.tax_amount) - max(sent.sent_amount)) > 0.02
),

last_accepted as (
    select distinct on (return_line_key) *
    from accepted
    order by return_line_key asc, accepted_at desc, acceptance desc
),

entitled as (
    select
        {{ columns | join(', ') }},
        cast(null as numeric) as balance_amount,
        case when is_in_kind then 0 else value_amount end as entitled_amount
    from accepted
    union all
    select
        {%- for column in columns %}
        {{ of_balance.get(column, '0' if column.endswith('_amount') else 'last_accepted.' ~ column) }} as {{ column }},
        {%- endfor %}
        balances.balance_amount,
        greatest(balances.balance_amount, 0) as entitled_amount
    from balances
    inner join last_accepted on balances.return_line_key = last_accepted.return_line_key
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
    {%- for part in ('merchandise', 'tax', 'shipping', 'restocking_fee', 'label_fee', 'value', 'balance', 'entitled') %}
    cast({{ part }}_amount as numeric(18, 2)) as {{ part }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from entitled
