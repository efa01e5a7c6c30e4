-- A publication may be withdrawn: the next one then has the rows and the build of the one before.
call ops.add_column('ops.publications', 'reshaped', 'text[] not null default ''{}''');
call ops.add_column('ops.publications', 'withdraws', 'bigint references ops.publications');
call ops.add_column('ops.publications', 'approver', 'text');
call ops.add_column('ops.publications', 'actor', 'text');
call ops.add_column('ops.publications', 'note', 'text');
comment on column ops.publications.reshaped is
    'Public tables and views that were new or had another shape than before.';
comment on column ops.publications.withdraws is
    'Publication that this one withdrew: readers see again what they saw before it.';
comment on column ops.publications.approver is 'Who withdrew, by name; empty for a night.';
comment on column ops.publications.actor is 'Who was logged in when it was withdrawn; empty for a night.';
comment on column ops.publications.note is 'Why, in the approver''s words; empty for a night.';
