-- Who builds what as of which date, what each step of a build said, and where the clock was set by hand.
call ops.add_column('ops.builds', 'run_date', 'date');
call ops.add_column('ops.builds', 'holder', 'text');
call ops.add_column('ops.builds', 'may_rest', 'interval');
call ops.drop_column('ops.builds', 'layers_done');
comment on column ops.builds.run_date is
    'Business date of the night that asked for the build; business_date is later where the clock is.';
comment on column ops.builds.holder is 'Who began it: a run of Airflow, or a process.';
comment on column ops.builds.may_rest is
    'How long it may rest between two steps before another night takes its place; empty where one process'
    ' holds the night from beginning to end.';

-- One build is open at a time; of several that an earlier version left open, the newest.
update ops.builds set status = 'failed'
where status = 'building' and build_id < (select max(build_id) from ops.builds where status = 'building');
create unique index if not exists builds_one_is_open on ops.builds (status) where status = 'building';

create table if not exists ops.build_steps (
    step_id bigint generated always as identity primary key,
    build_id bigint not null references ops.builds,
    step text not null,
    outcome text not null default 'running' check (outcome in ('running', 'good', 'refused', 'broken')),
    said text,
    to_seq bigint not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
create index if not exists build_steps_build on ops.build_steps (build_id, step_id);
comment on table ops.build_steps is
    'Every run of every gate and layer of a build, in the order in which they ran; the last run of each counts.';
comment on column ops.build_steps.step_id is 'Number of the run; a later one is greater.';
comment on column ops.build_steps.build_id is 'Build that the step belongs to.';
comment on column ops.build_steps.step is
    'gate landed, layer staging, layer core, and so on; layer by hand where dbt was run without a night.';
comment on column ops.build_steps.outcome is
    'good; refused by a check; broken by something else; running, also where its process was killed.';
comment on column ops.build_steps.said is 'What refused or broke it, its first line.';
comment on column ops.build_steps.to_seq is
    'Last ledger change that the step was about: what has landed up to it.';
comment on column ops.build_steps.started_at is 'When it began.';
comment on column ops.build_steps.ended_at is 'When it ended; empty where it was killed.';
grant select, insert, update on ops.build_steps to transformer, validator;
grant select on ops.build_steps to publisher;
grant update (status, finished_at) on ops.builds to publisher;

-- Who builds writes no gate's verdict.
do $$ begin
    if not exists (select from pg_policies where schemaname = 'ops' and tablename = 'build_steps') then
        alter table ops.build_steps enable row level security;
        create policy all_read on ops.build_steps for select using (true);
        create policy gates_are_judged on ops.build_steps for insert to validator
            with check (step like 'gate %');
        create policy verdicts_are_written on ops.build_steps for update to validator
            using (step like 'gate %');
        create policy layers_are_built on ops.build_steps for insert to transformer
            with check (step like 'layer %');
        create policy outcomes_are_written on ops.build_steps for update to transformer
            using (step like 'layer %');
    end if;
end $$;

create table if not exists ops.clock_settings (
    setting_id bigint generated always as identity primary key,
    business_date date not null,
    reason text not null check (btrim(reason) <> ''),
    set_by text not null,
    set_at timestamptz not null default now(),
    publication_id bigint references ops.publications
);
comment on table ops.clock_settings is 'Each time that the clock was moved back by hand.';
comment on column ops.clock_settings.setting_id is 'Number of the setting.';
comment on column ops.clock_settings.business_date is 'Date that the clock was set to.';
comment on column ops.clock_settings.reason is 'Why, in words.';
comment on column ops.clock_settings.set_by is 'Who did it.';
comment on column ops.clock_settings.set_at is 'When.';
comment on column ops.clock_settings.publication_id is
    'Last publication by then: it and those before move the clock no more.';
grant select on ops.clock_settings to transformer;

create or replace function ops.clock() returns date
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with set_last as (
        select business_date, coalesce(publication_id, 0) as publication_id
        from ops.clock_settings order by setting_id desc limit 1
    )
    select greatest(
        (select business_date from set_last),
        (
            select max(p.business_date) from ops.publications as p
            where p.publication_id > coalesce((select s.publication_id from set_last as s), 0)
                and not exists (
                    select from ops.publications as later where later.withdraws = p.publication_id
                )
        )
    )
$$;
comment on function ops.clock is
    'The newest business date that is published and was not withdrawn, or that the clock was set to;'
    ' empty before the first night.';
revoke all on function ops.clock from public;
grant execute on function ops.clock
    to loader, transformer, validator, publisher, reporter, sender, maintainer, auditor;
