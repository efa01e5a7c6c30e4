-- Grain: one row per return line and step that some of its units have not left at the end of the
-- business date; step 0 is the whole cycle. Only what is open is read, and all of it every night: its
-- hours grow with the clock. Additive: quantity, and quantity * hours, within a step.
{{ config(
    indexes=[],
    meta={
        'replaces': 'everything',
        'kpis': [
            {'kpi': 'return_cycle_time', 'basis': 'REQUEST', 'mature_on': "cast('9999-12-31' as date)",
             'numerator': 'case when step_no = 0 then quantity * hours end', 'denominator': '0'},
        ],
        'posts': [
            {'to': 'return_hours',
             'keys': {'request_month': "to_char(period_date, 'YYYY-MM')", 'outcome': "'open'"},
             'sums': {'units': 'quantity'}},
        ],
    }
) }}

with lines as (

    select * from {{ ref('fct_return_line') }}
    where
        status in ('REQUESTED', 'APPROVED', 'IN_TRANSIT', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INSPECTED', 'IN_PROCESS')
        and is_counted and not is_returnless and open_quantity > 0

),

waiting as (

    select
        lines.*,
        step.step_no,
        step.started_at,
        case when step.step_no = 0 then lines.open_quantity else lines.expected_quantity end as quantity
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

),

final as (

    select
        return_line_key,
        step_no,
        basis_on as period_date,
        case when step_no = 0 then channel else 'ALL' end as channel,
        case when step_no = 0 then product_category else 'ALL' end as product_category,
        site,
        quantity,
        {{ whole_hours('started_at', as_of_end()) }} as hours
    from waiting

)

select * from final
