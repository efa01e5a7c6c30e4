-- The pipeline's own books: what came, what was refused, what was checked, built and published.
create sequence if not exists ops.ledger_seq;

create table if not exists ops.file_ledger (
    file_id bigint generated always as identity primary key,
    feed text not null,
    layout text not null,
    name text not null,
    content_sha256 text not null,
    size_bytes bigint not null,
    business_date date,
    extract_at timestamptz,
    modified_at timestamptz not null,
    status text not null
        check (status in ('loaded', 'duplicate', 'superseded', 'rejected', 'deferred')),
    reason text,
    rows_parsed bigint not null default 0,
    rows_loaded bigint not null default 0,
    rows_quarantined bigint not null default 0,
    rows_duplicate bigint not null default 0,
    rows_control bigint not null default 0,
    amounts jsonb not null default '{}',
    changed_seq bigint,
    run_date date,
    started_at timestamptz not null,
    finished_at timestamptz,
    constraint file_ledger_rows_balance check (
        status in ('rejected', 'deferred', 'duplicate')
        or rows_parsed = rows_loaded + rows_quarantined + rows_duplicate + rows_control
    )
);
create index if not exists file_ledger_feed_name on ops.file_ledger (feed, layout, name);
create index if not exists file_ledger_content on ops.file_ledger (feed, layout, content_sha256);
create index if not exists file_ledger_changed on ops.file_ledger (changed_seq);
create index if not exists file_ledger_run on ops.file_ledger (run_date, feed);
comment on table ops.file_ledger is
    'One row per file seen: parsed = loaded + quarantined + duplicate + control, or rejected whole.';

create table if not exists ops.quarantine (
    file_id bigint not null references ops.file_ledger,
    line_no bigint not null,
    record_no bigint not null,
    feed text not null,
    reason text not null,
    column_name text,
    raw_text text,
    detail text,
    quarantined_at timestamptz not null default now(),
    primary key (file_id, record_no)
);
comment on table ops.quarantine is
    'One row per refused row of a file, with reason, column and line.';

create table if not exists ops.erasures (
    customer_id text primary key,
    erased_at timestamptz not null default now(),
    reason text not null
);
comment on table ops.erasures is
    'Customers (keyed hash) whose direct identifiers are never stored again.';

create table if not exists ops.builds (
    build_id bigint generated always as identity primary key,
    business_date date not null,
    from_seq bigint not null,
    to_seq bigint not null,
    status text not null check (status in ('building', 'built', 'failed')),
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
comment on table ops.builds is
    'One row per warehouse build: the ledger changes (from_seq, to_seq] that it took in.';

create table if not exists ops.validation_results (
    result_id bigint generated always as identity primary key,
    run_id text not null,
    business_date date not null,
    stage text not null,
    engine text not null check (engine in ('gx', 'dbt')),
    suite text,
    asset text not null,
    check_name text not null,
    column_name text,
    severity text not null check (severity in ('critical', 'warning')),
    success boolean not null,
    observed jsonb,
    unexpected_count bigint,
    sample jsonb,
    message text,
    seconds numeric(12, 3),
    validated_at timestamptz not null default now()
);
create index if not exists validation_results_date
    on ops.validation_results (business_date, stage);
comment on table ops.validation_results is
    'Every check of every gate, with counts and sample keys.';

create table if not exists ops.publications (
    publication_id bigint generated always as identity primary key,
    business_date date not null,
    published_at timestamptz not null default now(),
    build_id bigint references ops.builds,
    code_version text not null,
    from_seq bigint not null,
    to_seq bigint not null,
    files jsonb not null,
    tables jsonb not null
);
comment on table ops.publications is
    'What was published when, from which files and which code version.';
