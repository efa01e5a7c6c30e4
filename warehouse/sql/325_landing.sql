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
