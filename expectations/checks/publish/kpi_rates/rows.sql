-- asset: build.kpi_daily by KPI
-- key: kpi, basis, numerator, denominator, ratio, least, most
-- holds: marts
-- KPIs over all days, beside what their definition says holds of them. Shares are held cell by
-- cell, by a dbt test.
select
    cells.*,
    definitions.held_as,
    definitions.least,
    definitions.most
from (
    select
        kpi,
        basis,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        round(sum(numerator) / nullif(sum(denominator), 0), 4) as ratio,
        min(numerator) as least_numerator,
        min(denominator) as least_denominator
    from build.kpi_daily
    group by kpi, basis
) as cells
inner join build.kpi_definitions as definitions on cells.kpi = definitions.kpi
