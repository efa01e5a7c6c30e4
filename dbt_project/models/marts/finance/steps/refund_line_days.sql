-- Grain: one row per match group, return line ('' for memos that name none) and day: the entitlement and
-- the memos that stand, without duplicates, component by component; and what the units that the memos
-- credit would be worth, where those are other units than were accepted. Not published.
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
        max(last_on) filter (where not is_duplicate) as credited_on
    from {{ ref('refund_memo_days') }}
    group by group_key, day, line
),

joined as (
    select
        group_key,
        day,
        line,
        entitled.line is not null as has_entitlement,
        credited.line is not null as has_memo,
        coalesce(entitled.is_in_kind, lines.resolution in ('exchange', 'replacement', 'repair'), false)
            as is_in_kind,
        entitled.entitled_on,
        credited.credited_on,
        entitled.units_before, entitled.units, entitled.line_quantity,
        entitled.merchandise_basis, entitled.tax_basis, entitled.shipping_basis,
        entitled.fee_pct, entitled.label_fee,
        coalesce(entitled.entitled_amount, 0) as entitled_amount,
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
        end as credited_units
    from entitled
    full join credited using (group_key, day, line)
    left join {{ ref('fct_return_line') }} as lines on lines.return_line_key = line
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
)

select
    *,
    -round(units_merchandise * fee_pct / 100, 2) as units_restocking_fee,
    has_entitlement and has_memo and coalesce(
        credited_units <> units and units_merchandise = credited_merchandise, false
    ) as has_other_units
from revalued
