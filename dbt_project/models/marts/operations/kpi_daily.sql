-- Grain: one row per KPI, basis, day, channel, product category, site and currency.
-- Additive: numerator and denominator, over everything but kpi and basis. A ratio is computed when
-- read: sum(numerator) / nullif(sum(denominator), 0).
{{ config(
    materialized='table',
    indexes=[{'columns': ['kpi', 'basis', 'period_date']}, {'columns': ['period_date']}]
) }}

with sales_lines as (

    select * from {{ ref('fct_sales_line') }}
    where is_product

),

receipts as (

    select * from {{ ref('fct_receipt') }}
    where is_product

),

return_lines as (

    select * from {{ ref('fct_return_line') }}
    where is_counted

),

components as (

    select unnest(array[
        'freight', 'receiving', 'inspection', 'handling', 'disposal', 'payment_fee'
    ]) as component

),

line_costs as (

    select
        return_line_key,
        component,
        sum(reporting_amount) as amount
    from {{ ref('fct_cost_line') }}
    where return_line_key is not null
    group by return_line_key, component

),

recovered as (

    select
        return_line_key,
        sum(recovered_reporting) as amount
    from {{ ref('fct_recovery') }}
    group by return_line_key

),

original_cost as (

    select
        return_line_key,
        sum(asset_cost_reporting) as amount
    from {{ ref('fct_disposition') }}
    where is_final and net_quantity > 0
    group by return_line_key

),

-- product return rate

shipped_cohorts as (

    select
        'product_return_rate' as kpi,
        'SALE' as basis,
        coalesce(shipped_on, ordered_on) as period_date,
        channel,
        product_category,
        ship_from_site as site,
        cast(received_quantity as numeric) as numerator,
        cast(shipped_quantity as numeric) as denominator,
        coalesce(
            shipped_on + cast(return_window_days as integer) + {{ var('transit_days') }}
            <= {{ as_of_date() }},
            true
        ) as is_mature
    from sales_lines
    where shipped_quantity > 0 or received_quantity > 0

),

unattributed_returns as (

    select
        'product_return_rate' as kpi,
        'SALE' as basis,
        received_on as period_date,
        'UNATTRIBUTED' as channel,
        product_category,
        'UNATTRIBUTED' as site,
        cast(quantity as numeric) as numerator,
        cast(0 as numeric) as denominator,
        true as is_mature
    from receipts
    where sales_line_key is null

),

received_units as (

    select
        'product_return_rate' as kpi,
        'RETURN' as basis,
        received_on as period_date,
        channel,
        product_category,
        site,
        cast(quantity as numeric) as numerator,
        cast(0 as numeric) as denominator,
        true as is_mature
    from receipts

),

shipped_units as (

    select
        'product_return_rate' as kpi,
        'RETURN' as basis,
        shipped_on as period_date,
        channel,
        product_category,
        ship_from_site as site,
        cast(0 as numeric) as numerator,
        cast(shipped_quantity as numeric) as denominator,
        true as is_mature
    from sales_lines
    where shipped_quantity > 0

),

-- cost and recovery

costed as (

    select
        lines.return_line_key,
        lines.first_received_on,
        lines.channel,
        lines.product_category,
        lines.site,
        lines.received_quantity,
        lines.disposed_quantity,
        components.component,
        coalesce(line_costs.amount, 0) as total_amount,
        -- The part of the units that are finally disposed of, to the cent; the rest is in process.
        round(
            coalesce(line_costs.amount, 0) * lines.disposed_quantity / lines.received_quantity, 2
        ) as closed_amount
    from return_lines as lines
    cross join components
    left join line_costs
        on
            line_costs.return_line_key = lines.return_line_key
            and line_costs.component = components.component
    where lines.received_quantity > 0

),

cost_components as (

    select
        'cost_per_return.' || component as kpi,
        'RETURN' as basis,
        first_received_on as period_date,
        channel,
        product_category,
        site,
        closed_amount as numerator,
        cast(disposed_quantity as numeric) as denominator,
        disposed_quantity = received_quantity as is_mature
    from costed

),

costed_lines as (

    select
        return_line_key,
        first_received_on,
        channel,
        product_category,
        site,
        received_quantity,
        disposed_quantity,
        sum(total_amount) as total_amount,
        sum(closed_amount) as closed_amount
    from costed
    group by
        return_line_key, first_received_on, channel, product_category, site,
        received_quantity, disposed_quantity

),

costs as (

    select
        'cost_per_return' as kpi,
        'RETURN' as basis,
        first_received_on as period_date,
        channel,
        product_category,
        site,
        closed_amount as numerator,
        cast(disposed_quantity as numeric) as denominator,
        disposed_quantity = received_quantity as is_mature
    from costed_lines

),

costs_in_process as (

    select
        'return_cost_in_process' as kpi,
        'RETURN' as basis,
        first_received_on as period_date,
        channel,
        product_category,
        site,
        total_amount - closed_amount as numerator,
        cast(received_quantity - disposed_quantity as numeric) as denominator,
        false as is_mature
    from costed_lines

),

freight_of_goods_never_received as (

    select
        'return_cost_in_process' as kpi,
        'RETURN' as basis,
        {{ utc_date('lines.authorized_at') }} as period_date,
        lines.channel,
        lines.product_category,
        'NOT_RECEIVED' as site,
        line_costs.amount as numerator,
        cast(lines.approved_quantity as numeric) as denominator,
        false as is_mature
    from return_lines as lines
    inner join line_costs
        on line_costs.return_line_key = lines.return_line_key and line_costs.component = 'freight'
    where lines.received_quantity = 0 and line_costs.amount <> 0 and lines.authorized_at is not null

),

value_recovery as (

    select
        'value_recovery_rate' as kpi,
        'RETURN' as basis,
        costed_lines.first_received_on as period_date,
        costed_lines.channel,
        costed_lines.product_category,
        costed_lines.site,
        coalesce(recovered.amount, 0) as numerator,
        costed_lines.closed_amount as denominator,
        costed_lines.disposed_quantity = costed_lines.received_quantity as is_mature
    from costed_lines
    left join recovered
        on recovered.return_line_key = costed_lines.return_line_key

),

asset_recovery as (

    select
        'asset_recovery_rate' as kpi,
        'RETURN' as basis,
        costed_lines.first_received_on as period_date,
        costed_lines.channel,
        costed_lines.product_category,
        costed_lines.site,
        coalesce(recovered.amount, 0) as numerator,
        coalesce(original_cost.amount, 0) as denominator,
        costed_lines.disposed_quantity = costed_lines.received_quantity as is_mature
    from costed_lines
    left join recovered
        on recovered.return_line_key = costed_lines.return_line_key
    left join original_cost
        on original_cost.return_line_key = costed_lines.return_line_key

),

-- cycle time: hours observed over units disposed, so that open units count without being guessed

cycle_time as (

    select
        'return_cycle_time' as kpi,
        'REQUEST' as basis,
        requested_on as period_date,
        channel,
        product_category,
        site,
        cast(quantity * hours as numeric) as numerator,
        cast(case when outcome = 'disposed' then quantity else 0 end as numeric) as denominator,
        outcome <> 'open' as is_mature
    from {{ ref('return_unit_spans') }}
    where outcome in ('disposed', 'expired', 'open')

),

contributions as (

    select * from shipped_cohorts
    union all
    select * from unattributed_returns
    union all
    select * from received_units
    union all
    select * from shipped_units
    union all
    select * from cost_components
    union all
    select * from costs
    union all
    select * from costs_in_process
    union all
    select * from freight_of_goods_never_received
    union all
    select * from value_recovery
    union all
    select * from asset_recovery
    union all
    select * from cycle_time

),

final as (

    select
        kpi,
        basis,
        period_date,
        channel,
        product_category,
        site,
        cast('{{ var("reporting_currency") }}' as text) as currency,
        cast(sum(numerator) as numeric(20, 2)) as numerator,
        cast(sum(denominator) as numeric(20, 2)) as denominator,
        bool_and(is_mature) as is_mature,
        {{ as_of_date() }} as business_date
    from contributions
    group by kpi, basis, period_date, channel, product_category, site
    having sum(numerator) <> 0 or sum(denominator) <> 0

)

select * from final
