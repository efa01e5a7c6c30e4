-- Grain: one row per match group, return line ('' for memos that name none) and day: the entitlement and
-- the memos that stand, without duplicates, component by component; and what the units that the memos
-- credit would be worth, where those are other units than were accepted. A memo says no units: its
-- merchandise has to be that of whole units, of no more than were sold, and not that of the accepted
-- units at the price before the discount. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set components = ['merchandise', 'tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee', 'adjustment'] %}

with credited as (
    select
        group_key, day, line,
        {%- for component in components %}
        sum({{ component }}) filter (where not is_duplicate) as {{ component }},
        {%- endfor %}
        sum(amount) filter (where not is_duplicate) as amount,
        coalesce(sum(amount) filter (where is_duplicate), 0) as duplicate_amount,
        max(last_on) filter (where not is_duplicate) as credited_on,
        count(*) filter (where not is_duplicate) as memos
    from {{ ref('refund_memo_days') }}
    group by group_key, day, line
),

joined as (
    select
        group_key, day, line,
        entitled.line is not null as has_entitlement,
        credited.line is not null as has_memo,
        coalesce(entitled.is_in_kind, false) as is_in_kind,
        entitled.entitled_on, credited.credited_on,
        entitled.units_before, entitled.units, entitled.line_quantity,
        entitled.merchandise_basis, entitled.tax_basis, entitled.shipping_basis,
        entitled.fee_pct, entitled.label_fee,
        coalesce(entitled.entitled_amount, 0) as entitled_amount, coalesce(entitled.value_amount, 0) as value_amount,
        {%- for component in ('merchandise', 'tax', 'shipping', 'restocking_fee', 'return_label_fee') %}
        coalesce(entitled.{{ component }}, 0) as entitled_{{ component }},
        {%- endfor %}
        {%- for component in components %}
        coalesce(credited.{{ component }}, 0) as credited_{{ component }},
        {%- endfor %}
        coalesce(credited.amount, 0) as credited_amount,
        coalesce(credited.duplicate_amount, 0) as duplicate_amount,
        -- whole and exact only where the number of units is what differs
        case when entitled.merchandise_basis > 0 then
            round(credited.merchandise * entitled.line_quantity / entitled.merchandise_basis)
        end as credited_units,
        credited.memos * entitled.line_quantity as most_units,
        coalesce(round((lines.line_net_amount + lines.line_tax_amount) * least(
            lines.line_quantity, coalesce(nullif(greatest(
                lines.requested_quantity, lines.approved_quantity, lines.expected_quantity, lines.received_quantity
            ), 0), lines.line_quantity)
        ) / nullif(lines.line_quantity, 0), 2), 0) as returnable_amount,
        lines.line_shipping_amount as postage, round(
            lines.line_shipping_amount * entitled.units / entitled.line_quantity, 2
        ) as units_postage,
        coalesce(round(sales.unit_price * entitled.units, 2) = credited.merchandise, false) as is_undiscounted
    from {{ ref('refund_entitlement_days') }} as entitled
    full join credited using (group_key, day, line)
    left join {{ ref('fct_return_line') }} as lines on lines.return_line_key = line
    left join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
),

-- Units that were accepted last and are in no memo yet, where the memos, without adjustments, credit those before
-- them to the cent
later as (
    select
        joined.group_key, joined.day, joined.line, fact.accepted_on,
        joined.entitled_amount - joined.credited_amount + joined.credited_adjustment as open_amount,
        sum(fact.entitled_amount) over (
            partition by joined.group_key, joined.day, joined.line
            order by fact.accepted_on desc, fact.units_before desc rows between unbounded preceding and current row
        ) as amount
    from joined
    inner join {{ ref('fct_refund_entitlement') }} as fact
        on joined.line = fact.return_line_key and joined.day >= fact.accepted_on
    where joined.has_memo and not joined.is_in_kind
        and joined.credited_amount - joined.credited_adjustment
        between case when joined.credited_adjustment = 0 then 0.01 else 0 end and joined.entitled_amount
),

uncredited as (
    select group_key, day, line, open_amount, min(accepted_on) as accepted_on
    from later
    where amount = open_amount and open_amount > 0.02
    group by group_key, day, line, open_amount
),

revalued as (
    select
        *,
        {%- for component in ('merchandise', 'tax', 'shipping') %}
        round({{ component }}_basis * (units_before + credited_units) / line_quantity, 2)
        - round({{ component }}_basis * units_before / line_quantity, 2) as units_{{ component }},
        {%- endfor %}
        case when credited_units > 0 then -label_fee else 0 end as units_return_label_fee
    from joined
),

charged as (
    select
        revalued.*, -round(revalued.units_merchandise * revalued.fee_pct / 100, 2) as units_restocking_fee,
        case when revalued.has_memo then coalesce(uncredited.open_amount, 0) else revalued.entitled_amount end
            as uncredited_amount,
        case when revalued.has_memo then uncredited.accepted_on else revalued.entitled_on end as uncredited_on
    from revalued
    left join uncredited using (group_key, day, line)
)

select
    group_key, day, line, has_entitlement, has_memo, is_in_kind, entitled_on, credited_on, units,
    entitled_amount, value_amount, credited_amount, duplicate_amount, uncredited_amount, uncredited_on,
    -- what all units are worth that were announced or came back, or were sold where none was announced
    returnable_amount,
    -- what the customer had paid for the way to her: of the whole line, and of the units accepted
    postage, units_postage,
    {%- for component in ('merchandise', 'tax', 'shipping', 'restocking_fee', 'return_label_fee') %}
    entitled_{{ component }},
    -- only where the memo is nearer to it than to the worth of the units accepted
    case
        when abs(units_{{ component }} - credited_{{ component }})
            <= abs(entitled_{{ component }} - credited_{{ component }}) then units_{{ component }}
        else entitled_{{ component }}
    end as units_{{ component }},
    {%- endfor %}
    {%- for component in components %}
    credited_{{ component }},
    {%- endfor %}
    has_entitlement and has_memo and not is_undiscounted and coalesce(
        credited_units <> units and units_merchandise = credited_merchandise
        and credited_units between 1 and most_units, false
    ) as has_other_units,
    -- goods sent instead, by their own price; and what of the credit they make good
    case when is_in_kind then value_amount - entitled_amount else 0 end as goods_amount,
    case when is_in_kind and has_memo
        then {{ up_to('credited_amount - entitled_amount', 'value_amount - entitled_amount') }} else 0 end
        as made_good_amount
from charged
