-- Grain: one row per match group, day, return line and class of the gap E-M, only classes with cents. Each class
-- takes its share of what the classes before it left. Not published.
{{ config(materialized='table', indexes=[{'columns': ['group_key', 'day']}]) }}

with lines as (
    select
        *,
        entitled_amount - credited_amount as open_amount,
        -- what an exchange is credited with beyond the worth of what came back is a fault as any other
        has_entitlement and has_memo and uncredited_amount = 0 and (not is_in_kind or credited_amount > value_amount)
            as is_compared
    from {{ ref('refund_line_days') }}
),

-- What each component is off by, given the units that were credited
compared as (
    select
        lines.group_key,
        lines.day,
        lines.line,
        -- postage that was credited as part of the price
        case when part.component = 'merchandise'
            and part.credited_amount - case when lines.has_other_units then part.units_amount
                else part.entitled_amount end in (lines.postage, lines.units_postage)
            then 'shipping' else part.component end as component,
        case when lines.has_other_units then part.units_amount else part.entitled_amount end
        - part.credited_amount as amount
    from lines
    cross join lateral (
        values
        {%- for component in ('merchandise', 'tax', 'shipping', 'restocking_fee', 'return_label_fee') %}
        ('{{ component }}', entitled_{{ component }}, units_{{ component }}, credited_{{ component }}),
        {%- endfor %}
        ('duty', 0, 0, lines.credited_duty),
        ('adjustment', 0, 0, lines.credited_adjustment)
    ) as part (component, entitled_amount, units_amount, credited_amount)
    where lines.is_compared
),

classes as (
    select group_key, day, line, 'DUPLICATE' as class, -duplicate_amount as amount from lines
    union all
    select group_key, day, line, 'STORE_CREDIT_OR_EXCHANGE' as class, -made_good_amount as amount from lines
    union all
    select
        group_key, day, line, 'QUANTITY' as class,
        value_amount - units_merchandise - units_tax - units_shipping - units_restocking_fee
        - units_return_label_fee as amount
    from lines where is_compared and has_other_units
    union all
    select group_key, day, line, {{ component_class('component', 'amount') }} as class, amount
    from compared
    where {{ component_class('component', 'amount') }} is not null
    union all
    select
        group_key, day, line,
        {{ missing_leg_class('case when has_entitlement then uncredited_on else credited_on end') }} as class,
        open_amount + credited_adjustment as amount
    from lines
    where has_entitlement <> has_memo or has_memo and uncredited_amount <> 0
    union all
    -- no return asks for an adjustment, so none is waited for
    select
        group_key, day, line, {{ component_class("'adjustment'", 'credited_adjustment') }} as class,
        -credited_adjustment as amount
    from lines
    where (has_entitlement <> has_memo or uncredited_amount <> 0) and credited_adjustment <> 0
)

select group_key, day, line, 'E-M' as gap, class, cast(sum(amount) as numeric(18, 2)) as amount
from classes
group by group_key, day, line, class
having sum(amount) <> 0
