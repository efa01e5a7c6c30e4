-- Whose warehouse it is.
create table if not exists ops.company (
    company text primary key,
    kept_at timestamptz not null default now(),
    is_only boolean not null default true unique check (is_only)
);
comment on table ops.company is
    'The company that the warehouse is of; on the embedded server its database says so, and here is no row.';
comment on column ops.company.company is 'Name of the company''s folder.';
comment on column ops.company.kept_at is 'When its first file was loaded, or it was called so.';
comment on column ops.company.is_only is 'There is one company.';
