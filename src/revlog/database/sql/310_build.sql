-- What a build was made of, and how each dbt node of it went.
call ops.add_column('ops.builds', 'is_full_refresh', 'boolean not null default false');
call ops.add_column('ops.builds', 'definitions', 'text');
comment on column ops.builds.definitions is
    'Hash of seeds, macros and models; when it changes the next build computes everything anew.';

create table if not exists ops.model_runs (
    run_id bigint generated always as identity primary key,
    build_id bigint not null references ops.builds,
    layer text not null,
    node text not null,
    resource_type text not null,
    status text not null,
    seconds numeric(12, 3) not null,
    rows_affected bigint,
    message text,
    finished_at timestamptz not null default now()
);
create index if not exists model_runs_build on ops.model_runs (build_id, layer);
comment on table ops.model_runs is
    'One row per dbt model, seed or test and run of a layer, with its time and outcome.';

grant select, insert on ops.model_runs to transformer;
grant select on ops.model_runs to auditor, publisher;
