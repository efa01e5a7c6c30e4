-- Locks of the pipeline: whoever may update a table here may hold it, and readers may not. They are
-- empty tables, so that nobody can take a lock by guessing its number. src/revlog/database/locks.py lists them;
-- those of the feeds are made with the raw tables.
create schema if not exists locks;
comment on schema locks is 'Empty tables that are locked while something must happen alone.';
create table if not exists locks.night ();
create table if not exists locks.ledger ();
create table if not exists locks.outbound ();

grant usage on schema locks to loader, transformer, validator, publisher, reporter, sender, maintainer;
grant update on locks.night to loader, transformer, validator, publisher, reporter, sender, maintainer;
grant update on locks.ledger to loader;
grant update on locks.outbound to sender;

-- Who a session is, for roles that see only their own: a wait says for whom it waits.
create or replace function locks.sessions(pids integer [])
returns table (pid integer, role name, application text, since timestamptz, state text, query text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select pid, usename, application_name, coalesce(xact_start, backend_start), state, query
    from pg_stat_activity where pid = any(pids)
$$;
comment on function locks.sessions is
    'Role, program and statement of sessions, and since when each is in its transaction.';
revoke all on function locks.sessions from public;
grant execute on function locks.sessions
    to loader, transformer, validator, publisher, reporter, sender, maintainer;
