-- Grain: one row per return line, step and way in which its units left the step; step 0 is the whole
-- cycle, from request to final disposition, or to where the company's feeds tell of the goods last. Units
-- still in a step are in kpi_of_open_units.
-- Units of a line end apart (two restocked in May, one still open), so time is counted in units.
-- A step that a later milestone overtook (disposed of without an inspection) is left, not open.
-- Additive: quantity, and quantity * hours, within a step.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where not is_returnless and {{ in_touched_units('unit_key') }}

),

ends as (

    select * from ({{ ends_of_goods('case when is_final then net_quantity end') }}) as every_end
    where quantity > 0 and {{ in_touched_units('unit_key') }}

),

cycles as (

    select
        lines.return_line_key,
        0 as step_no,
        lines.basis_at as started_at,
        'disposed' as outcome,
        ends.ended_at as left_at,
        ends.quantity
    from lines
    inner join ends on lines.return_line_key = ends.return_line_key
    where lines.is_counted
    union all
    select
        return_line_key,
        0 as step_no,
        basis_at as started_at,
        case when declined_at is not null then 'declined' else 'cancelled' end as outcome,
        coalesce(declined_at, cancelled_at) as left_at,
        greatest(requested_quantity, approved_quantity) as quantity
    from lines
    where is_void
    union all
    select
        return_line_key,
        0 as step_no,
        basis_at as started_at,
        'expired' as outcome,
        expires_at as left_at,
        expired_quantity as quantity
    from lines
    where is_counted and expired_quantity > 0

),

steps as (

    select
        lines.return_line_key,
        step.step_no,
        step.started_at,
        case when step.ended_at is not null then 'done' else 'left' end as outcome,
        coalesce(step.ended_at, step.overtaken_at, lines.expired_at) as left_at,
        lines.expected_quantity as quantity
    from lines
    cross join lateral (
        {{ return_steps('lines') }}
    ) as step (step_no, started_at, ended_at, overtaken_at)
    where lines.is_counted and step.started_at is not null

),

ended as (

    select * from cycles
    union all
    select * from steps

)

select
    lines.unit_key,
    ended.return_line_key,
    ended.step_no,
    lines.basis_on as period_date,
    case when ended.step_no = 0 then lines.channel else 'ALL' end as channel,
    case when ended.step_no = 0 then lines.product_category else 'ALL' end as product_category,
    lines.site,
    ended.outcome,
    ended.quantity,
    {{ whole_hours('ended.started_at', 'ended.left_at') }} as hours
from ended
inner join lines on ended.return_line_key = lines.return_line_key
where ended.left_at is not null and ended.quantity > 0
