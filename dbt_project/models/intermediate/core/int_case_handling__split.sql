{{ config(materialized='view', post_hook=[]) }}
-- Grain: one row per service case and RMA line that is not void, for the touched units. What a case
-- costs is split by authorized quantity with cumulative rounding, so the parts re-add to the rate. A
-- case whose RMA has no such line is a unit of its own and its cost has no return line.

with cases as (
    select case_id, rma_no, opened_on
    from (
        {{ working_set(ref('stg_crm__cases'), [
            'rma_no in (select rma_no from ' ~ ref('int_rma_lines') ~ ')',
            'case_id in (' ~ lone_units('CAS:') ~ ')',
        ]) }}
    ) as candidates
    where rma_no is not null
),

charges as (
    select cases.case_id, cases.rma_no, cases.opened_on, rates.rate as amount, rates.currency
    from cases
    inner join {{ ref('handling_rates') }} as rates
        on rates.site = 'SERVICE' and rates.activity = 'case'
        and cases.opened_on >= rates.valid_from and cases.opened_on < rates.valid_to
),

split as (
    select
        charges.*,
        rma.unit_key,
        rma.rma_line_no,
        rma.quantity_authorized as weight,
        sum(rma.quantity_authorized) over (
            case_window order by rma.rma_line_no rows between unbounded preceding and current row
        ) as running,
        sum(rma.quantity_authorized) over case_window as total,
        row_number() over (case_window order by rma.rma_line_no) as row_no
    from charges
    inner join {{ ref('int_rma_units') }} as rma on charges.rma_no = rma.rma_no and not rma.is_void
    window case_window as (partition by charges.case_id)
),

lines as (
    select * from {{ ref('int_rma_lines') }}
)

select
    split.unit_key,
    lines.return_line_key,
    split.case_id || '/' || split.rma_no || '-' || split.rma_line_no as charge_key,
    cast(
        {{ cumulative_share('split.amount', 'split.weight', 'split.running', 'split.total',
            'split.row_no') }} as numeric(18, 2)
    ) as amount,
    split.currency,
    split.opened_on
from split
inner join lines on split.rma_no = lines.rma_no and split.rma_line_no = lines.rma_line_no
where {{ in_touched_units('split.unit_key') }}
union all
select
    'CAS:' || charges.case_id as unit_key,
    null as return_line_key,
    charges.case_id || '/none' as charge_key,
    cast(charges.amount as numeric(18, 2)) as amount,
    charges.currency,
    charges.opened_on
from charges
where not exists (
    select 1 from {{ ref('int_rma_units') }} as rma
    where rma.rma_no = charges.rma_no and not rma.is_void
)
    and {{ in_touched_units("'CAS:' || charges.case_id") }}
