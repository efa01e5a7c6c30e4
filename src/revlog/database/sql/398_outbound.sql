-- What other systems are told: which feeds are switched on, and every event that was told, or waits to be.
create table if not exists ops.outbound_feeds (
    feed text primary key,
    begins_on date not null,
    switched_on_at timestamptz not null default clock_timestamp()
);
comment on table ops.outbound_feeds is 'One row per feed that has been switched on.';
comment on column ops.outbound_feeds.feed is 'Feed, as its contract in outbound/contracts is called.';
comment on column ops.outbound_feeds.begins_on is
    'First day whose events are told; what happened before stays untold.';
comment on column ops.outbound_feeds.switched_on_at is 'When it was sent for the first time.';

create table if not exists ops.outbound_ledger (
    ledger_no bigint generated always as identity primary key,
    event_id uuid not null unique,
    feed text not null,
    event text not null,
    event_key text not null,
    revision integer not null check (revision > 0),
    change text not null check (change in ('new', 'correction', 'withdrawal')),
    corrects uuid references ops.outbound_ledger (event_id),
    happened_on date not null,
    publication_id bigint not null references ops.publications,
    data_sha256 text not null,
    column_digests jsonb not null,
    payload text,
    file_name text,
    status text not null default 'pending' check (status in ('pending', 'sent', 'set_aside')),
    refusals integer not null default 0,
    said text,
    decided_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    set_aside_by text,
    actor text,
    note text,
    unique (feed, event_key, revision),
    constraint outbound_ledger_first_revision_is_new check ((revision = 1) = (change = 'new')),
    constraint outbound_ledger_corrects_one_before check ((revision = 1) = (corrects is null)),
    constraint outbound_ledger_payload_while_pending check ((status = 'pending') = (payload is not null)),
    constraint outbound_ledger_ends_once check ((status = 'pending') = (ended_at is null))
);
create index if not exists outbound_ledger_pending on ops.outbound_ledger (feed, ledger_no)
where status = 'pending';
comment on table ops.outbound_ledger is
    'One row per event and revision that another system is told, written before it is told. What was told is'
    ' kept as digests; the payload itself only until it has been delivered.';
comment on column ops.outbound_ledger.ledger_no is 'Number of the row; within an event a later revision is greater.';
comment on column ops.outbound_ledger.event_id is
    'Identity by which a receiver knows the event and revision again: made of company, feed, event key and revision.';
comment on column ops.outbound_ledger.feed is 'Feed, as its contract in outbound/contracts is called.';
comment on column ops.outbound_ledger.event is 'What happened, such as received or refunded.';
comment on column ops.outbound_ledger.event_key is 'What happened to what: the event, and the values of its key.';
comment on column ops.outbound_ledger.revision is '1 for the first telling, one more for each that corrects it.';
comment on column ops.outbound_ledger.change is
    'new; correction of figures told before; withdrawal of what no longer holds.';
comment on column ops.outbound_ledger.corrects is 'Event of the revision before; empty for the first.';
comment on column ops.outbound_ledger.happened_on is
    'Day on which it happened, in the company''s time zone; of a withdrawal the day told before.';
comment on column ops.outbound_ledger.publication_id is 'Publication in which it was read.';
comment on column ops.outbound_ledger.data_sha256 is 'Hash of what is told, by which a later night sees a change.';
comment on column ops.outbound_ledger.column_digests is
    'First digits of a hash of each column, by which a correction says what it corrects.';
comment on column ops.outbound_ledger.payload is 'What is to be delivered, as JSON; empty once it has been.';
comment on column ops.outbound_ledger.file_name is 'File that it goes into; empty where it is posted by itself.';
comment on column ops.outbound_ledger.status is
    'pending until the receiver has it; sent; set_aside where somebody decided that it never will.';
comment on column ops.outbound_ledger.refusals is 'How often the receiver refused it.';
comment on column ops.outbound_ledger.said is 'Why it was refused last, without the receiver''s own words.';
comment on column ops.outbound_ledger.decided_at is 'When the row was written.';
comment on column ops.outbound_ledger.ended_at is 'When it was delivered or set aside.';
comment on column ops.outbound_ledger.set_aside_by is 'Who set it aside, by name.';
comment on column ops.outbound_ledger.actor is 'Who was logged in when it was set aside.';
comment on column ops.outbound_ledger.note is 'Why it was set aside, in words.';

-- Which events were decided stays: a sender adds rows, and says what became of them and by which hash it knows
-- them again.
grant usage on schema ops to sender;
grant select on ops.standing to sender;
grant select, insert on ops.outbound_feeds, ops.outbound_ledger to sender;
grant update (
    data_sha256, column_digests, payload, file_name, status, refusals, said, ended_at, set_aside_by, actor, note
) on ops.outbound_ledger to sender;
