-- Grain: one row per counted return line, on the day it began (basis REQUEST).
-- Additive: every measure.
{{ config(meta={'replaces': 'units'}) }}

with lines as (

    select
        *,
        has_live_rma and approved_quantity > 0 and not is_returnless as is_awaited
    from {{ ref('fct_return_line') }}
    where is_counted and {{ in_touched_units('unit_key') }}

),

cases as (

    select
        return_line_key,
        count(*) as cases,
        coalesce(sum(csat), 0) as csat_points,
        count(csat) as csat_cases
    from {{ ref('fct_case') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key

)

select
    lines.unit_key,
    lines.return_line_key,
    lines.basis_on as period_date,
    lines.channel,
    lines.product_category,
    lines.ship_from_site as site,
    {{ return_due_on('lines') }} as mature_on,
    -- what never lapses is no no-show
    case when lines.expires_at is null then {{ never_mature() }} else {{ return_due_on('lines') }} end as lapsed_on,
    case when lines.is_awaited then lines.approved_quantity end as approved_units,
    case when lines.is_awaited then lines.expired_quantity end as expired_units,
    case when lines.is_returnless then lines.requested_quantity else 0 end as returnless_units,
    case when lines.is_returnless then 0 else lines.received_quantity end as received_units,
    1 as lines,
    coalesce(cases.cases, 0) as cases,
    coalesce(cases.csat_points, 0) as csat_points,
    coalesce(cases.csat_cases, 0) as csat_cases
from lines
left join cases on lines.return_line_key = cases.return_line_key
