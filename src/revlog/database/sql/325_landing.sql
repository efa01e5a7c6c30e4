-- What a loaded file is told of; the landed gate holds the night for what is critical.
call ops.add_column('ops.file_ledger', 'findings', 'jsonb not null default ''[]''');
comment on column ops.file_ledger.findings is
    'What the file was told of though it loaded: kind, text, rows, and whether it holds the night.';

-- Files that look as they did are not read again. Earlier versions went by size and time alone: empty, so
-- that their files are looked at once.
call ops.add_column('ops.file_ledger', 'seen_as', 'text');
comment on column ops.file_ledger.seen_as is
    'Size, time and the storage''s own mark with which the file was last seen in the landing zone.';
call ops.add_column('ops.file_ledger', 'seen_changed_at', 'timestamptz');
comment on column ops.file_ledger.seen_changed_at is
    'When the storage last saw the file change: decides between contents of one name and one time.';
call ops.add_column('ops.file_ledger', 'rows_shared', 'jsonb not null default ''{}''');
comment on column ops.file_ledger.rows_shared is
    'Control rows of a file that feeds several feeds: by the feed that takes them (taken), and by the rule of a
    layout that names them (set_apart). Kept with the first of the feeds by name.';

-- What lies in the landing zone and no layout takes, as the last sweep found it.
create table if not exists ops.unclaimed_files (
    path text primary key,
    kind text not null,
    detail text not null,
    feed text,
    size_bytes bigint not null,
    modified_at timestamptz,
    first_seen_on date not null,
    seen_on date not null
);
comment on table ops.unclaimed_files is
    'One row per file or folder in the landing zone that no layout takes; what has gone has no row.';
comment on column ops.unclaimed_files.path is 'Place within the landing zone.';
comment on column ops.unclaimed_files.kind is
    'impossible_date, other_case, other_ending, copy, other_folder, lonely_marker, folder or unknown.';
comment on column ops.unclaimed_files.detail is 'Why no layout takes it, for people.';
comment on column ops.unclaimed_files.feed is
    'Feed that it was meant for; empty where that can''t be told. Those with a feed hold the night.';
comment on column ops.unclaimed_files.size_bytes is 'Size in bytes; 0 for folders.';
comment on column ops.unclaimed_files.modified_at is 'When it was last changed.';
comment on column ops.unclaimed_files.first_seen_on is 'Business date of the night that saw it first.';
comment on column ops.unclaimed_files.seen_on is 'Business date of the night that saw it last.';
