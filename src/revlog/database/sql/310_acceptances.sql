-- What an operator let pass: a feed's files of one date, with the reason. Gates then tell, not block.
create table if not exists ops.acceptances (
    acceptance_id bigint generated always as identity primary key,
    feed text not null,
    business_date date not null,
    reason text not null check (reason <> ''),
    accepted_by text not null default current_user,
    accepted_at timestamptz not null default now(),
    unique (feed, business_date)
);
comment on table ops.acceptances is
    'Feeds and dates whose volume, absence, refusal or quarantine share someone has let pass.';
grant select, insert on ops.acceptances to transformer;
