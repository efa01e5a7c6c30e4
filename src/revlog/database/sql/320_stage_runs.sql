-- How long each stage of each night took: the rest of the night's time is orchestration.
create table if not exists ops.stage_runs (
    run_id bigint generated always as identity primary key,
    business_date date not null,
    stage text not null,
    detail text not null default '',
    outcome text not null check (outcome in ('ok', 'failed')),
    started_at timestamptz not null,
    finished_at timestamptz not null
);
create index if not exists stage_runs_date on ops.stage_runs (business_date, started_at);
comment on table ops.stage_runs is
    'One row per stage that ran; stage `night` spans a night from its start to its end.';

grant select, insert on ops.stage_runs to transformer;
grant select on ops.stage_runs to auditor, publisher, loader;
