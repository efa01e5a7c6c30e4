-- `alter table … add column if not exists` locks readers out even where the column is there, and so does
-- `drop column if exists` where it is not.
create or replace procedure ops.add_column(relation text, column_name text, definition text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
        select from pg_attribute
        where attrelid = relation::regclass and attname = column_name and not attisdropped
    ) then
        execute format('alter table %s add column %I %s', relation::regclass, column_name, definition);
    end if;
end $$;
comment on procedure ops.add_column is 'Add a column where it is missing; no lock where it is not.';
revoke all on procedure ops.add_column from public;

create or replace procedure ops.drop_column(relation text, column_name text)
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    own text;
    others text;
begin
    if not exists (
        select from pg_attribute
        where attrelid = to_regclass(relation) and attname = column_name and not attisdropped
    ) then
        return;
    end if;
    -- Views that show the column, and views over those. What dbt builds a night makes anew.
    with recursive over (view) as (
        select r.ev_class
        from pg_depend as d
        inner join pg_rewrite as r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
        inner join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.refobjid = to_regclass(relation) and a.attname = column_name
        union
        select r.ev_class
        from over
        inner join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = over.view
            and d.classid = 'pg_rewrite'::regclass
        inner join pg_rewrite as r on r.oid = d.objid
    )
    select
        string_agg(v.oid::regclass::text, ', ' order by v.oid) filter (where found.is_own),
        string_agg(v.oid::regclass::text, ', ' order by v.oid) filter (where not found.is_own)
    into own, others
    from over
    inner join pg_class as v on v.oid = over.view
    cross join lateral (
        select v.relkind = 'v' and v.relnamespace::regnamespace::text in
            ('staging', 'intermediate', 'core', 'build') as is_own
    ) as found;
    if others is not null then
        raise exception '% reads %.%, which this version no longer keeps: drop that view, run this again, and '
            'make it anew without the column', others, relation, column_name;
    end if;
    if own is not null then
        execute format('drop view %s', own);
    end if;
    execute format('alter table %s drop column %I', relation::regclass, column_name);
end $$;
comment on procedure ops.drop_column is
    'Drop a column where it is, with the views of dbt that show it; no lock where it is not.';
revoke all on procedure ops.drop_column from public;
