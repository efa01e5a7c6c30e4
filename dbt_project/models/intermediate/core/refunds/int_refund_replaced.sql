-- Grain: one row per sales line shipped in exchange for a return line of which units were accepted: how many of them
-- it replaces, the first accepted by the first sent, and what those are worth. Units sent beyond those that came back
-- replace none, and count with their price. It counts once the goods are sent and the last of its units accepted.

with accepted as (
    select
        *,
        units_upto - units_before as units,
        sum(units_upto - units_before) over up_to_now as upto
    from {{ ref('int_refund_values') }}
    where not is_in_kind and units_upto > units_before
    window up_to_now as (
        partition by return_line_key order by accepted_at, acceptance
        rows between unbounded preceding and current row
    )
),

sent as (
    select
        *,
        sum(sent_quantity) over (
            partition by return_line_key order by sent_at, sales_line_key
            rows between unbounded preceding and current row
        ) as upto
    from {{ ref('int_refund_exchanges') }}
),

-- Which units of an acceptance: after the first `units_from`, up to `units_to`
pairs as (
    select
        sent.unit_key, sent.return_line_key, sent.sales_line_key, sent.sent_amount,
        sent.sent_at, accepted.accepted_at, accepted.units, accepted.value_amount,
        accepted.merchandise_amount + accepted.tax_amount as goods_amount,
        {{ up_to('sent.upto - sent.sent_quantity - accepted.upto + accepted.units', 'accepted.units') }} as units_from,
        {{ up_to('sent.upto - accepted.upto + accepted.units', 'accepted.units') }} as units_to
    from sent
    inner join accepted on sent.return_line_key = accepted.return_line_key
)

select
    unit_key,
    return_line_key,
    sales_line_key,
    sent_amount,
    coalesce(
        greatest(sent_at, max(accepted_at) filter (where units_to > units_from)),
        greatest(sent_at, max(accepted_at))
    ) as replaced_at,
    sum(units_to - units_from) as replaced_quantity,
    {%- for part in ('value_amount', 'goods_amount') %}
    sum(round({{ part }} * units_to / units, 2) - round({{ part }} * units_from / units, 2)) as {{ part }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from pairs
group by unit_key, return_line_key, sales_line_key, sent_amount, sent_at
