-- asset: build.kpi_daily by KPI
-- key: kpi, basis, numerator, denominator, ratio, least, most
-- holds: marts
-- KPIs over all days, beside what their definition says holds of them. Shares are held cell by
-- cell, by a dbt test. Added up before they meet their completeness, which is one a KPI and basis:
-- the view meets it cell by cell.
select
    cells.kpi,
    cells.basis,
    cells.numerator,
    cells.denominator,
    round(cells.numerator / nullif(cells.denominator, 0), 4) as ratio,
    cells.least_numerator,
    cells.least_denominator,
    definitions.held_as,
    definitions.least,
    definitions.most
from (
    select
        kpi,
        basis,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        min(numerator) as least_numerator,
        min(denominator) as least_denominator
    from build.kpi_cells
    group by kpi, basis
) as cells
inner join build.kpi_definitions as definitions on cells.kpi = definitions.kpi
left join build.kpi_completeness as completeness
    on cells.kpi = completeness.kpi and cells.basis = completeness.basis
where completeness.completeness is distinct from 'lacking'
