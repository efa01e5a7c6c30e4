{#- Kaplan–Meier over spans: units that end in an event, the others censored when they leave.
    `spans` is a CTE with the `keys`, is_event, quantity and hours. Gives one row per keys:
    units, events, left_without_event, p50_hours and p90_hours (null where the curve does not fall that far).
    At equal hours events come before censoring: who leaves at t was at risk at t. -#}
{% macro kaplan_meier(spans, keys) %}
{%- set key_list = keys | join(', ') -%}
{%- set window = 'partition by ' ~ key_list ~ ' order by hours' -%}
km_steps as (

    select
        {{ key_list }},
        hours,
        sum(quantity) as left_now,
        coalesce(sum(quantity) filter (where is_event), 0) as events_now
    from {{ spans }}
    group by {{ key_list }}, hours

),

km_at_risk as (

    select
        *,
        sum(left_now) over (partition by {{ key_list }})
        - coalesce(
            sum(left_now) over ({{ window }} rows between unbounded preceding and 1 preceding), 0
        ) as at_risk
    from km_steps

),

km_curve as (

    select
        *,
        -- A factor of 0 has no logarithm: from the hour at which all at risk end, nobody survives.
        case
            when bool_or(events_now = at_risk) over ({{ window }}) then 0
            else round(
                exp(
                    sum(
                        ln(case when events_now = at_risk then 1 else 1 - events_now / at_risk end)
                    ) over ({{ window }})
                ), 9
            )
        end as survival
    from km_at_risk

),

km as (

    select
        {{ key_list }},
        cast(sum(left_now) as bigint) as units,
        cast(sum(events_now) as bigint) as events,
        cast(sum(left_now - events_now) as bigint) as left_without_event,
        min(hours) filter (where survival <= 0.5) as p50_hours,
        min(hours) filter (where survival <= 0.1) as p90_hours
    from km_curve
    group by {{ key_list }}

)
{%- endmacro %}
