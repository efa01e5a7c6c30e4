-- A build is closed only when it has all its layers: two nights started at once can't lose one's changes.
call ops.add_column('ops.builds', 'layers_done', 'text[] not null default ''{}''');
comment on column ops.builds.layers_done is 'Layers that were built and tested for this build.';
