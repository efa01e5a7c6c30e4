-- Totals over all days that are one and the same thing, published under two KPIs or two bases.
{{ config(meta={'failure_means': 'Two KPIs that count the same units or money do not agree in total: one lost or doubled some.'}) }}
with totals as (

    select
        kpi || '/' || basis as kpi,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from {{ ref('kpi_cells') }}
    group by kpi, basis

),

sides as (

    select kpi || '.numerator' as side, numerator as total from totals
    union all
    select kpi || '.denominator' as side, denominator as total from totals
    union all
    select 'cost_per_return.*/RETURN.numerator' as side, sum(numerator) as total
    from totals
    where kpi like 'cost_per_return.%'
    union all
    select 'return rates of cohorts' as side, sum(returned_quantity) as total from {{ ref('return_rate_units') }}
    union all
    select 'return rates and beside them' as side, sum(returned_quantity + unattributed_quantity) as total
    from {{ ref('return_rate_units') }}

),

pairs as (

    select *
    from (
        values
        -- one fact: cohorts have what came back of them, the day that it came has all
        ('product_return_rate/SALE.numerator', 'return rates of cohorts'),
        ('product_return_rate/RETURN.numerator', 'return rates and beside them'),
        ('product_return_rate/SALE.denominator', 'product_return_rate/RETURN.denominator'),
        ('return_value_rate/SALE.denominator', 'return_value_rate/RETURN.denominator'),
        ('refund_rate/SALE.denominator', 'refund_rate/REFUND.denominator'),
        -- the parts and the whole of the cost
        ('cost_per_return.*/RETURN.numerator', 'cost_per_return/RETURN.numerator'),
        ('value_recovery_rate/RETURN.denominator', 'cost_per_return/RETURN.numerator'),
        ('value_recovery_rate/RETURN.numerator', 'asset_recovery_rate/RETURN.numerator'),
        -- units at the dock
        ('co2e_per_return/RETURN.denominator', 'product_return_rate/RETURN.numerator'),
        ('restock_rate/RETURN.denominator', 'dock_to_disposition_time/RETURN.denominator'),
        ('cost_per_return/RETURN.denominator', 'dock_to_disposition_time/RETURN.denominator'),
        -- orders, payments, memos
        ('order_return_rate/SALE.denominator', 'bracketing_rate/SALE.denominator'),
        ('refund_late_share/REFUND.denominator', 'refund_lead_time/REFUND.denominator'),
        ('retained_revenue_ratio/REFUND.denominator', 'refund_ratio/REFUND.denominator')
    ) as p (one_side, other_side)

)

select
    pairs.one_side,
    pairs.other_side,
    coalesce(one.total, 0) as one_total,
    coalesce(other.total, 0) as other_total
from pairs
left join sides as one on pairs.one_side = one.side
left join sides as other on pairs.other_side = other.side
where coalesce(one.total, 0) <> coalesce(other.total, 0)
