-- A content may come under several names. Each row of the ledger keeps the place in file order that
-- it came with; extract_at and modified_at of a loaded file are the earliest place that still counts.
call ops.add_column('ops.file_ledger', 'seen_extract_at', 'timestamptz');
call ops.add_column('ops.file_ledger', 'seen_modified_at', 'timestamptz');
comment on column ops.file_ledger.seen_extract_at is
    'Extract time that this name came with; extract_at may be an earlier one of the same content.';
comment on column ops.file_ledger.seen_modified_at is
    'Modification time that this name came with.';

-- What a load that has not been committed yet may change of the rows that it has just written: rows
-- lose against others of their file only once all of it has been read. Rows of other transactions
-- have another xmin, so what is committed stays; the loader itself may only insert.
create or replace function ops.take_back(feed text, file bigint, records bigint[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    relation text;
begin
    foreach relation in array array[feed, feed || '_identity'] loop
        if to_regclass(format('raw.%I', relation)) is not null then
            execute format(
                'delete from raw.%I where _file_id = $1 and _record_no = any($2)'
                ' and xmin = pg_current_xact_id()::xid', relation)
            using file, records;
        end if;
    end loop;
end $$;
comment on function ops.take_back is
    'Remove rows of a file that the calling transaction has just loaded.';

create or replace function ops.number_repeats(
    feed text, file bigint, records bigint[], ordinals integer[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    execute format(
        'update raw.%I as r set _ordinal = n.ordinal from unnest($2, $3) as n (record_no, ordinal)'
        ' where r._file_id = $1 and r._record_no = n.record_no'
        ' and r.xmin = pg_current_xact_id()::xid', feed)
    using file, records, ordinals;
end $$;
comment on function ops.number_repeats is
    'Set the ordinals of true repeats in a file that the calling transaction has just loaded.';

-- By key for what a night touched; by file in ranges of pages, since a file's rows lie together.
create or replace function ops.index_raw(relation text, key text[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    has_rows boolean;
begin
    if to_regclass(format('raw.%I', relation || '_key')) is not null then
        return;
    end if;
    execute format('select exists (select from raw.%I)', relation) into has_rows;
    if has_rows then
        execute format(
            'create index %I on raw.%I (%s)', relation || '_key', relation,
            (select string_agg(format('%I', k), ', ' order by n)
            from unnest(key) with ordinality as u (k, n)));
        execute format(
            'create index %I on raw.%I using brin (_file_id) with (autosummarize = on)',
            relation || '_file', relation);
    end if;
end $$;
comment on function ops.index_raw is 'Index a raw table that has got its first rows.';

revoke all on function ops.take_back, ops.number_repeats, ops.index_raw from public;
grant execute on function ops.take_back, ops.number_repeats, ops.index_raw to loader;

-- Raw tables of earlier versions: an index more, and fingerprints in hexadecimal digits.
do $$
declare
    relation text;
begin
    for relation in
        select table_name from information_schema.columns
        where table_schema = 'raw' and column_name = '_row_hash' and data_type = 'text'
    loop
        execute format(
            'alter table raw.%I alter column _row_hash type bigint'
            ' using (''x'' || _row_hash)::bit(64)::bigint', relation);
    end loop;
    for relation in
        select conrelid::regclass::text from pg_constraint
        where connamespace = 'raw'::regnamespace and contype = 'p'
    loop
        execute format(
            'alter table %s drop constraint %I', relation, split_part(relation, '.', 2) || '_pkey');
        execute format(
            'create index on %s using brin (_file_id) with (autosummarize = on)', relation);
    end loop;
end $$;
