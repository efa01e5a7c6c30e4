-- A content may come under several names. Each row of the ledger keeps the place in file order that
-- it came with; extract_at and modified_at of a loaded file are the earliest place that still counts.
alter table ops.file_ledger add column if not exists seen_extract_at timestamptz;
alter table ops.file_ledger add column if not exists seen_modified_at timestamptz;
comment on column ops.file_ledger.seen_extract_at is
    'Extract time that this name came with; extract_at may be an earlier one of the same content.';
comment on column ops.file_ledger.seen_modified_at is
    'Modification time that this name came with.';
