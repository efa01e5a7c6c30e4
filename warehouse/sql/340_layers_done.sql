-- A build is closed only when it has all its layers: two nights started at once can't lose one's changes.
alter table ops.builds add column if not exists layers_done text[] not null default '{}';
comment on column ops.builds.layers_done is 'Layers that were built and tested for this build.';
