-- Which version of the code brought the database to its state. Older code refuses to work on it.
create table if not exists ops.versions (
    upgrade_id bigint generated always as identity primary key,
    version text not null,
    code_version text not null,
    upgraded_at timestamptz not null default now()
);
comment on table ops.versions is 'One row per version that the database was brought to, the newest last.';
comment on column ops.versions.upgrade_id is 'Number of the upgrade.';
comment on column ops.versions.version is 'Version of the code that the database was brought to.';
comment on column ops.versions.code_version is 'The same with the code''s git commit, where it is known.';
comment on column ops.versions.upgraded_at is 'When the upgrade ended.';
grant select on ops.versions to loader, transformer, publisher, sender, maintainer;
