-- Grain: one row per return line of which something was received, on its first receipt's day; and one
-- per line that cost something and never came, on the day of its authorization, else of the request.
-- A line of three units of which two are disposed of has two thirds of its cost in the closed amounts,
-- by component, to the cent; the rest is in process. Additive: every measure, in the reporting currency.
{%- set components = cost_components() -%}
{{ config(meta={'replaces': 'units'}) }}

with lines as (
    select * from {{ ref('fct_return_line') }} where is_counted and {{ in_touched_units('unit_key') }}
),

costs as (
    select
        return_line_key,
        {% for component in components -%}
        sum(reporting_amount) filter (where component = '{{ component }}') as {{ component }}_amount,
        {% endfor -%}
        sum(reporting_amount) as total_amount
    from {{ ref('fct_cost_line') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key
),

recovered as (
    select return_line_key, sum(recovered_reporting) as amount from {{ ref('fct_recovery') }}
    where {{ in_touched_units('unit_key') }}
    group by return_line_key
),

claims as (
    select return_line_key, bool_or(status = 'open') as is_open from {{ ref('fct_vendor_claim') }}
    where return_line_key is not null and {{ in_touched_units('unit_key') }}
    group by return_line_key
),

original_cost as (
    select return_line_key, sum(asset_cost_reporting) as amount from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0 and {{ in_touched_units('unit_key') }}
    group by return_line_key
),

received as (
    select
        lines.unit_key,
        lines.return_line_key,
        lines.first_received_on as period_date,
        lines.channel,
        lines.product_category,
        lines.site,
        {{ costs_mature_on('lines') }} as mature_on,
        case when claims.is_open then {{ never_mature() }} else {{ costs_mature_on('lines') }} end as recovered_on,
        lines.disposed_quantity as disposed_units,
        lines.received_quantity - lines.disposed_quantity as in_process_units,
        {% for component in components -%}
        round(
            coalesce(costs.{{ component }}_amount, 0) * lines.disposed_quantity / lines.received_quantity, 2
        ) as {{ component }}_amount,
        {% endfor -%}
        coalesce(costs.total_amount, 0) as total_amount,
        coalesce(recovered.amount, 0) as recovered_amount,
        coalesce(original_cost.amount, 0) as asset_amount
    from lines
    left join costs on lines.return_line_key = costs.return_line_key
    left join recovered on lines.return_line_key = recovered.return_line_key
    left join claims on lines.return_line_key = claims.return_line_key
    left join original_cost on lines.return_line_key = original_cost.return_line_key
    where lines.received_quantity > 0
)
select
    unit_key, return_line_key, period_date, channel, product_category, site, mature_on, recovered_on,
    disposed_units, in_process_units,
    {{ components | join('_amount,\n    ') }}_amount,
    {{ components | join('_amount\n    + ') }}_amount as closed_amount,
    total_amount - ({{ components | join('_amount\n    + ') }}_amount) as in_process_amount,  -- noqa: LT05
    recovered_amount,
    asset_amount
from received
union all
select
    lines.unit_key,
    lines.return_line_key,
    coalesce({{ business_day('lines.authorized_at') }}, lines.basis_on) as period_date,
    lines.channel,
    lines.product_category,
    'NOT_RECEIVED' as site,
    {{ never_mature() }} as mature_on,
    {{ never_mature() }} as recovered_on,
    null as disposed_units,
    -- goods that the customer keeps are awaited by nobody
    case when lines.is_returnless then 0 else lines.approved_quantity end as in_process_units,
    null as {{ components | join('_amount,\n    null as ') }}_amount,
    null as closed_amount,
    costs.total_amount as in_process_amount,
    null as recovered_amount,
    null as asset_amount
from lines
inner join costs on lines.return_line_key = costs.return_line_key
where lines.received_quantity = 0 and costs.total_amount <> 0

