-- What a loaded file is told of; the landed gate holds the night for what is critical.
alter table ops.file_ledger add column if not exists findings jsonb not null default '[]';
comment on column ops.file_ledger.findings is
    'What the file was told of though it loaded: kind, text, rows, and whether it holds the night.';
