-- Levels (bases STOCK and SNAPSHOT of kpi_daily) as they stood at the end of a day: of each basis the last day up to it
-- that was counted, and no other, so that nobody adds days up. The body is checked when it is called: the view that
-- it reads comes with the first publication.
create or replace function marts.kpi_levels_on(day date)
returns table (
    kpi text, basis text, period_date date, channel text, product_category text, site text,
    currency text, numerator numeric(20, 2), denominator numeric(20, 2)
)
language plpgsql stable as $$
#variable_conflict use_column
begin
    return query
    select
        cells.kpi, cells.basis, cells.period_date, cells.channel, cells.product_category, cells.site,
        cells.currency, cells.numerator, cells.denominator
    from marts.kpi_daily as cells
    inner join (
        select days.basis, max(days.period_date) as last_date from marts.kpi_daily as days
        where days.basis in ('STOCK', 'SNAPSHOT') and days.period_date <= day
        group by days.basis
    ) as last_days on cells.basis = last_days.basis and cells.period_date = last_days.last_date
    where cells.basis in ('STOCK', 'SNAPSHOT');
end $$;
comment on function marts.kpi_levels_on(date) is
    'Levels of kpi_daily at the end of a day: of each basis the last day up to it that was counted.
Open returns stand on the business date only; of other days see open_returns_by_day.';
revoke all on function marts.kpi_levels_on(date) from public;
grant execute on function marts.kpi_levels_on(date) to bi_reader, finance_reader, auditor;
