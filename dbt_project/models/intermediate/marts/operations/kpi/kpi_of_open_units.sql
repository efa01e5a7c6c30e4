-- Grain: one row per return line and step that units of it have not left at the end of the business
-- date; step 0 is the whole cycle. Only what is open is read, and all of it every night: its hours grow
-- with the clock. Additive: units, and units * hours, within a step.
{{ config(indexes=[], meta={'replaces': 'everything'}) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted and open_quantity > 0 and {{ may_be_open('status') }}

)

select
    lines.return_line_key,
    lines.basis_on as period_date,
    case when step.step_no = 0 then lines.channel else 'ALL' end as channel,
    case when step.step_no = 0 then lines.product_category else 'ALL' end as product_category,
    lines.site,
    step.step_no,
    case when step.step_no = 0 then lines.open_quantity else lines.expected_quantity end as units,
    {{ whole_hours('step.started_at', as_of_end()) }} as hours
from lines
cross join lateral (
    select 0 as step_no, lines.basis_at as started_at
    union all
    select step.step_no, step.started_at
    from (
        {{ return_steps('lines') }}
    ) as step (step_no, started_at, ended_at, overtaken_at)
    where
        step.started_at is not null
        and coalesce(step.ended_at, step.overtaken_at, lines.expired_at) is null
) as step
