-- Which publications each history knows, for readers and for marts.kpi_daily_as_of.
do $$ begin
    if to_regclass('marts.histories') is null then
        create table marts.histories (
            of_table text not null,
            history text not null,
            from_publication bigint not null,
            to_publication bigint,
            primary key (of_table, from_publication)
        );
        alter table marts.histories owner to publisher;
    end if;
end $$;
comment on table marts.histories is
    'One row per history of a published table and time for which it was kept.';
comment on column marts.histories.of_table is 'Published table whose row versions are kept.';
comment on column marts.histories.history is 'Where they are kept.';
comment on column marts.histories.from_publication is 'First publication that the history knows.';
comment on column marts.histories.to_publication is
    'First publication that it does not know any more; empty while it is kept.';

-- Histories of warehouses that are older than this table.
do $$
declare
    public record;
begin
    for public in
        select n.nspname as schema_name, h.relname as history_name, t.relname as table_name
        from pg_class as h
        inner join pg_namespace as n on n.oid = h.relnamespace and n.nspname in ('marts', 'finance')
        inner join pg_class as t
            on t.relnamespace = h.relnamespace and h.relname = t.relname || '__history'
        where h.relkind = 'r'
            and not exists (
                select from marts.histories where of_table = format('%s.%s', n.nspname, t.relname))
    loop
        execute format(
            'insert into marts.histories (of_table, history, from_publication)'
            ' select %L, %L, min(from_publication) from %I.%I having count(*) > 0',
            format('%s.%s', public.schema_name, public.table_name),
            format('%s.%s', public.schema_name, public.history_name),
            public.schema_name, public.history_name);
    end loop;
end $$;
