-- Grain: one row per match group, return line ('' for memos that name none) and day: the entitlement and
-- the memos that stand, without duplicates, component by component; and what the units that the memos
-- credit would be worth, where those are other units than were accepted. A memo says no units: its
-- merchandise has to be that of whole units, of no more than were sold, and not that of the accepted
-- units at the price before the discount. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

{%- set components = [
    'merchandise', 'tax', 'shipping', 'duty', 'restocking_fee', 'return_label_fee', 'adjustment',
] %}

with entitled as (
    select * from {{ ref('refund_entitlement_days') }}
),

credited as (
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
        coalesce(entitled.is_in_kind, lines.resolution in ('exchange', 'replacement', 'repair'), false)
            as is_in_kind,
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
        coalesce(round(sales.unit_price * entitled.units, 2) = credited.merchandise, false) as is_undiscounted
    from entitled
    full join credited using (group_key, day, line)
    left join {{ ref('fct_return_line') }} as lines on lines.return_line_key = line
    left join {{ ref('fct_sales_line') }} as sales on lines.sales_line_key = sales.sales_line_key
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
    select *, -round(units_merchandise * fee_pct / 100, 2) as units_restocking_fee from revalued
)

select
    group_key, day, line, has_entitlement, has_memo, is_in_kind, entitled_on, credited_on, units,
    entitled_amount, value_amount, credited_amount, duplicate_amount,
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
    -- what goods make good: the worth of what came back less what goods sent instead are cheaper by
    case when is_in_kind and has_memo
        then {{ up_to('credited_amount - entitled_amount', 'value_amount - entitled_amount') }} else 0 end as made_good_amount
from charged
