-- Domains are published each for itself: what a check holds back, what a publication brought, and which night
-- readers of each domain see.
call ops.add_column('ops.validation_results', 'holds', 'text[] not null default ''{marts,finance}''');
call ops.add_column('ops.build_steps', 'held', 'jsonb not null default ''{}''');
call ops.add_column('ops.builds', 'held', 'text[] not null default ''{}''');
call ops.add_column('ops.publications', 'domains', 'text[] not null default ''{marts,finance}''');
call ops.add_column('ops.publications', 'marts_from', 'bigint references ops.publications');
call ops.add_column('ops.publications', 'finance_from', 'bigint references ops.publications');
comment on column ops.validation_results.holds is
    'Domains that stay as they are published where the check is critical and fails.';
comment on column ops.build_steps.held is
    'Domains that a good step holds back, with the checks that failed; a refused step holds back all.';
comment on column ops.builds.held is
    'Domains that stay unpublished though the build is finished; the next build judges its changes again.';
comment on column ops.publications.domains is 'Domains that it brought; of the others readers see what they saw.';
comment on column ops.publications.marts_from is
    'Publication whose marts readers see with this one; empty before the first. Both are empty, and mean this one'
    ' itself, in rows of before domains.';
comment on column ops.publications.finance_from is 'Publication whose finance readers see with this one.';

-- Replacing a view that is there would wait for its readers.
do $$ begin
    if to_regclass('ops.shown') is null then
        create view ops.shown as
        select
            p.publication_id, domains.domain, brought.publication_id as of_publication, brought.business_date,
            coalesce(b.business_date, brought.business_date) as as_of, brought.published_at, brought.code_version,
            brought.build_id, brought.to_seq
        from ops.publications as p
        cross join lateral (values ('marts', p.marts_from), ('finance', p.finance_from)) as domains (domain, shown)
        inner join ops.publications as brought
            on case
                when num_nulls(p.marts_from, p.finance_from) = 2 then p.publication_id else domains.shown
            end = brought.publication_id
        left join ops.builds as b on brought.build_id = b.build_id;
    end if;
end $$;
comment on view ops.shown is 'One row per publication and domain: which night of the domain readers saw with it.';
comment on column ops.shown.publication_id is 'Publication.';
comment on column ops.shown.domain is 'Domain, which is a public schema: marts or finance.';
comment on column ops.shown.of_publication is 'Publication that brought what readers saw of the domain.';
comment on column ops.shown.business_date is 'Business date of that publication.';
comment on column ops.shown.as_of is 'Date that its build was as of; later where a night was backfilled.';
comment on column ops.shown.published_at is 'When readers began to see it.';
comment on column ops.shown.code_version is 'Version and git commit of the code that built it.';
comment on column ops.shown.build_id is 'Build that was published.';
comment on column ops.shown.to_seq is 'Last ledger change that it had taken in.';

do $$ begin
    if to_regclass('ops.standing') is null then
        create view ops.standing as
        select
            domain, of_publication, business_date, as_of, published_at, code_version, build_id, to_seq
        from ops.shown where publication_id = (select max(publication_id) from ops.publications);
    end if;
end $$;
comment on view ops.standing is 'One row per domain that has been published: the night at which it stands now.';
comment on column ops.standing.domain is 'Domain, which is a public schema: marts or finance.';
comment on column ops.standing.of_publication is 'Publication that brought what readers see of it.';
comment on column ops.standing.business_date is 'Business date of that publication.';
comment on column ops.standing.as_of is 'Date that its build was as of; later where a night was backfilled.';
comment on column ops.standing.published_at is 'When readers began to see it.';
comment on column ops.standing.code_version is 'Version and git commit of the code that built it.';
comment on column ops.standing.build_id is 'Build that was published.';
comment on column ops.standing.to_seq is 'Last ledger change that it had taken in.';

grant select on ops.shown, ops.standing to transformer, publisher;
grant select on ops.standing to finance_reader;
grant update (held) on ops.builds to publisher;
