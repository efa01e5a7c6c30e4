-- kpi_daily as it was published on a past night. The body is checked when it is called: the views that it
-- reads come with the first publication.
create or replace function marts.kpi_daily_as_of(night date)
returns table (
    kpi text, basis text, period_date date, channel text, product_category text, site text,
    currency text, numerator numeric(20, 2), denominator numeric(20, 2), is_mature boolean,
    business_date date
)
language plpgsql stable as $$
#variable_conflict use_column
declare
    asked bigint;
    kept record;
begin
    select max(p.publication_id) into asked from marts.publications as p where p.business_date <= night;
    select
        max(h.to_publication) filter (where h.to_publication <= asked) as since,
        min(h.from_publication) filter (where h.from_publication > asked) as before,
        max(h.history) filter (where h.from_publication <= asked and h.to_publication > asked) as elsewhere,
        coalesce(bool_or(h.from_publication <= asked and h.to_publication is null), asked is null) as is_kept
    into kept
    from marts.histories as h where h.of_table = 'marts.kpi_cells';
    if not kept.is_kept then
        raise exception 'kpi_daily of % (publication %) is not kept %', night, asked,
            coalesce(
                'here: its cells are in ' || kept.elsewhere,
                concat_ws(' and ', 'since publication ' || kept.since, 'before publication ' || kept.before))
            using errcode = 'no_data_found', hint = 'Which publications are kept, and where: marts.histories.';
    end if;
    return query
    select kpi, basis, period_date, channel, product_category, site, currency, numerator, denominator,
        is_mature, business_date
    from marts.kpi_daily_history where publication_id = asked;
end $$;
comment on function marts.kpi_daily_as_of(date) is
    'kpi_daily as readers saw it after the last publication of a business date up to `night`; an error where
that is not kept.';
revoke all on function marts.kpi_daily_as_of(date) from public;
grant execute on function marts.kpi_daily_as_of(date) to bi_reader, finance_reader, auditor;
