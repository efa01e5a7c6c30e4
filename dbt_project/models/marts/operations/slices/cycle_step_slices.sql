-- Grain: one row per request month and step of the process; 'ALL' stands for every month.
-- A line that has not made the step is censored at the end of the business date, so a slow step shows
-- while it is slow. Not additive. People read the views, months and the whole apart: return_cycle_steps, …_overall.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    meta={'replaces': 'months'}
) }}

with hours as (

    select * from {{ ref('return_hours') }}
    where step_no > 0

),

names as (

    select *
    from (
        values
        (1, 'request to approval'),
        (2, 'approval to receipt'),
        (3, 'receipt to inspection'),
        (4, 'inspection to disposition')
    ) as n (step_no, step)

),

sliced as (

    select
        month.request_month,
        hours.step_no,
        hours.outcome = 'done' as is_event,
        hours.hours,
        sum(hours.units) as quantity
    from hours
    cross join lateral (values (hours.request_month), ('ALL')) as month (request_month)
    {% if is_incremental() -%}
    where month.request_month in ({{ changed_months() }})
    {%- endif %}
    group by month.request_month, hours.step_no, hours.outcome = 'done', hours.hours

),

{{ kaplan_meier('sliced', ['request_month', 'step_no']) }},

final as (

    select
        km.request_month,
        km.step_no,
        names.step,
        km.units,
        km.events,
        km.left_without_event,
        km.p50_hours,
        km.p90_hours
    from km
    inner join names on km.step_no = names.step_no

)

select * from final
