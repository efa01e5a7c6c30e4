-- Grain: one row per request month and step of the process; 'ALL' stands for every month.
-- A line that has not made the step is censored at the end of the business date, so a slow step shows
-- while it is slow. Not additive.
{{ config(materialized='table') }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted and not is_returnless

),

steps as (

    select
        lines.return_line_key,
        to_char(lines.basis_on, 'YYYY-MM') as request_month,
        step.step_no,
        step.step,
        step.started_at,
        step.ended_at,
        coalesce(step.ended_at, lines.expired_at, {{ as_of_end() }}) as left_at,
        lines.expected_quantity as quantity
    from lines
    cross join lateral (
        values
        (1, 'request to approval', lines.requested_at, lines.approved_at),
        (2, 'approval to receipt', lines.approved_at, lines.first_received_at),
        (3, 'receipt to inspection', lines.first_received_at, lines.first_inspected_at),
        (4, 'inspection to disposition', lines.first_inspected_at, lines.first_disposed_at)
    ) as step (step_no, step, started_at, ended_at)
    where step.started_at is not null and lines.expected_quantity > 0

),

sliced as (

    select
        month.request_month,
        steps.step_no,
        steps.step,
        steps.ended_at is not null as is_event,
        steps.quantity,
        greatest(
            0, cast(floor(extract(epoch from steps.left_at - steps.started_at) / 3600) as bigint)
        ) as hours
    from steps
    cross join lateral (values (steps.request_month), ('ALL')) as month (request_month)

),

{{ kaplan_meier('sliced', ['request_month', 'step_no', 'step']) }},

final as (

    select
        request_month,
        step_no,
        step,
        units,
        events,
        left_without_event,
        p50_hours,
        p90_hours,
        restricted_mean_hours,
        {{ as_of_date() }} as business_date
    from km

)

select * from final
