-- Who was erased, and which key customers are hashed with.
call ops.add_column('ops.erasures', 'texts', 'text[] not null default ''{}''');
comment on column ops.erasures.texts is
    'Keyed hashes of other texts that named the customer: free text, unknown columns, refused rows.';

create table if not exists ops.customer_key (
    fingerprint text primary key,
    kept_at timestamptz not null default now(),
    is_only boolean not null default true unique check (is_only)
);
comment on table ops.customer_key is
    'Fingerprint of the key that customer numbers are hashed with; the key itself is elsewhere.';
comment on column ops.customer_key.fingerprint is 'Keyed hash of a fixed text, under the key.';
comment on column ops.customer_key.kept_at is 'When the key was first used, or proved to be the one.';
comment on column ops.customer_key.is_only is 'There is one key.';
grant select on ops.customer_key to loader;

-- Free text that staging and core of 0.1.0 held.
call ops.drop_column('staging.stg_crm__return_requests', 'customer_comment');
call ops.drop_column('staging.stg_erp__gl_entries', 'text');
call ops.drop_column('intermediate.int_gl_lines', 'text');
call ops.drop_column('core.fct_gl_line', 'text');

-- An identity table has rows of people without a number, too.
do $$
declare
    relation text;
    held text;
begin
    for relation, held in
        select table_name, column_name from information_schema.columns
        where table_schema = 'raw' and table_name like '%\_identity' and is_nullable = 'NO'
            and column_name in ('customer_id', 'source_customer_id')
    loop
        execute format('alter table raw.%I alter column %I drop not null', relation, held);
    end loop;
end $$;
