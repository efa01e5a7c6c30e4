-- kpi_daily as it was published on a past night. The body is checked when it is called: the view that it
-- reads comes with the first publication.
set local check_function_bodies = off;
drop function if exists marts.kpi_daily_as_of(date);
create function marts.kpi_daily_as_of(night date)
returns table (
    kpi text, basis text, period_date date, channel text, product_category text, site text,
    currency text, numerator numeric(20, 2), denominator numeric(20, 2), is_mature boolean,
    business_date date
)
language sql stable as $$
    select kpi, basis, period_date, channel, product_category, site, currency, numerator, denominator,
        is_mature, business_date
    from marts.kpi_daily_history
    where publication_id = (
        select max(p.publication_id) from marts.publications as p where p.business_date <= night
    )
$$;
comment on function marts.kpi_daily_as_of(date) is
    'kpi_daily as readers saw it after the last publication of a business date up to `night`.';
revoke all on function marts.kpi_daily_as_of(date) from public;
grant execute on function marts.kpi_daily_as_of(date) to bi_reader, finance_reader, auditor;
set local check_function_bodies = on;
