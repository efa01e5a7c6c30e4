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
begin
    if exists (
        select from pg_attribute
        where attrelid = to_regclass(relation) and attname = column_name and not attisdropped
    ) then
        execute format('alter table %s drop column %I', relation::regclass, column_name);
    end if;
end $$;
comment on procedure ops.drop_column is 'Drop a column where it is; no lock where it is not.';
revoke all on procedure ops.drop_column from public;
