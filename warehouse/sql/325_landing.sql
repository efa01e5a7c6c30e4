-- What a loaded file is told of; the landed gate holds the night for what is critical.
call ops.add_column('ops.file_ledger', 'findings', 'jsonb not null default ''[]''');
comment on column ops.file_ledger.findings is
    'What the file was told of though it loaded: kind, text, rows, and whether it holds the night.';
