-- Where a day's file breaks off: the gate compares it with the days before.
call ops.add_column('ops.file_ledger', 'last_event_at', 'timestamptz');
comment on column ops.file_ledger.last_event_at is
    'Greatest value of the feed''s time column in the rows loaded; empty for feeds of dates only.';
