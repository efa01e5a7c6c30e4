-- asset: build.kpi_daily beside published
-- key: kpi, basis, ratio, ratio_published
-- holds: marts
-- KPIs of the last quarter as built and as published.
with built as (
    select
        kpi,
        basis,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from build.kpi_daily
    where period_date >= {{ as_of }} - 90
    group by kpi, basis
),

published as (
    select
        kpi,
        basis,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from marts.kpi_daily
    where period_date >= {{ as_of }} - 90
    group by kpi, basis
)

select
    b.kpi,
    b.basis,
    round(b.numerator / nullif(b.denominator, 0), 4) as ratio,
    round(p.numerator / nullif(p.denominator, 0), 4) as ratio_published,
    p.denominator
from built as b
full join published as p on b.kpi = p.kpi and b.basis = p.basis
