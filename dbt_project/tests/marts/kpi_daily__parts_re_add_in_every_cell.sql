-- Parts that make up a whole do so in every day, channel, category and site.
{{ config(meta={'failure_means': 'A component, age or share is missing from, or counted twice in, its whole.'}) }}
with cells as (

    select *
    from {{ ref('kpi_cells') }}
    where
        (
            kpi like 'cost_per_return%' or kpi like 'open_return_%'
            or kpi in ('retained_revenue_ratio', 'refund_ratio', 'value_recovery_rate', 'asset_recovery_rate')
        )
        and {{ in_changed_slices() }}

),

slices as (

    select
        period_date, channel, product_category, site,
        coalesce(sum(numerator) filter (where kpi = 'cost_per_return'), 0) as cost,
        coalesce(sum(numerator) filter (where kpi like 'cost_per_return.%'), 0) as cost_parts,
        coalesce(sum(numerator) filter (where kpi = 'retained_revenue_ratio'), 0) as retained,
        coalesce(sum(numerator) filter (where kpi = 'refund_ratio'), 0) as refunded,
        coalesce(sum(denominator) filter (where kpi = 'retained_revenue_ratio'), 0) as credited,
        coalesce(sum(denominator) filter (where kpi = 'refund_ratio'), 0) as credited_again,
        coalesce(sum(numerator) filter (where kpi like 'open_return_units.%'), 0) as open_units,
        coalesce(max(denominator) filter (where kpi like 'open_return_units.%'), 0) as all_open_units,
        coalesce(sum(numerator) filter (where kpi like 'open_return_value.%'), 0) as open_value,
        coalesce(max(denominator) filter (where kpi like 'open_return_value.%'), 0) as all_open_value,
        coalesce(sum(numerator) filter (where kpi = 'value_recovery_rate'), 0) as recovered,
        coalesce(sum(numerator) filter (where kpi = 'asset_recovery_rate'), 0) as recovered_again
    from cells
    group by period_date, channel, product_category, site

)

select *
from slices
where
    cost <> cost_parts
    or retained + refunded <> credited
    or credited <> credited_again
    or open_units <> all_open_units
    or open_value <> all_open_value
    or recovered <> recovered_again
