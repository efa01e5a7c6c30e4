-- Who stands in the way of the pipeline, and the end of readers that only idle there. The functions belong
-- to the administrator, since no stage's role may look at, or end, sessions of others.
create or replace function ops.first_words(query text)
returns text language sql immutable set search_path = pg_catalog, pg_temp as $$
    -- Up to the first literal: that may be personal.
    select left(regexp_replace(regexp_replace(query, '\s+', ' ', 'g'), '(''|\$\$|\m\d).*$', '…'), 80)
$$;

create or replace function ops.is_reader(role name)
returns boolean language sql stable set search_path = pg_catalog, pg_temp as $$
    select not r.rolsuper
        and (pg_has_role(r.oid, 'bi_reader', 'member') or pg_has_role(r.oid, 'finance_reader', 'member')
            or pg_has_role(r.oid, 'auditor', 'member'))
        and not (pg_has_role(r.oid, 'loader', 'member') or pg_has_role(r.oid, 'transformer', 'member')
            or pg_has_role(r.oid, 'publisher', 'member'))
    from pg_roles as r where r.rolname = role
$$;

create or replace function ops.blockers()
returns table (
    pid integer, role text, application text, state text, since timestamptz, query text, is_reader boolean
)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select distinct b.pid, coalesce(a.usename::text, 'a prepared transaction'), a.application_name,
        coalesce(a.state, 'in a state unknown to this role'), a.xact_start, ops.first_words(a.query),
        coalesce(ops.is_reader(a.usename), false)
    from pg_locks as l
    inner join pg_stat_activity as w on w.pid = l.pid
    cross join lateral unnest(pg_blocking_pids(l.pid)) as b (pid)
    left join pg_stat_activity as a on a.pid = b.pid
    where not l.granted and w.datname = current_database() and w.usename = session_user
$$;
comment on function ops.blockers is 'Sessions that sessions of the calling role wait for.';

create or replace function ops.readers_before(publication bigint, moment timestamptz)
returns table (
    pid integer, role text, application text, state text, since timestamptz, query text, is_reader boolean
)
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select a.pid, a.usename::text, a.application_name, a.state, a.xact_start, ops.first_words(a.query),
        ops.is_reader(a.usename)
    from pg_stat_activity as a
    inner join ops.publications as p on p.publication_id = publication
    where a.datname = current_database() and a.backend_type = 'client backend'
        and a.pid <> pg_backend_pid() and a.usename not in ('loader', 'transformer')
        and age(a.backend_xmin) >= age(p.xmin) and a.xact_start < moment
$$;
comment on function ops.readers_before is
    'Sessions begun before `moment` whose snapshot may be older than a publication.';

create or replace function ops.end_idle_readers(pids integer [])
returns setof integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    blocker integer;
begin
    for blocker in
        select a.pid from pg_stat_activity as a
        -- A program between two statements is not idle.
        where a.pid = any(pids) and ops.is_reader(a.usename) and a.state like 'idle in transaction%'
            and a.state_change < clock_timestamp() - interval '1 second'
            and (
                a.pid in (select b.pid from ops.blockers() as b)
                or a.pid in (
                    select r.pid from ops.readers_before(
                        (select max(publication_id) from ops.publications), clock_timestamp()) as r)
            )
    loop
        begin
            if pg_terminate_backend(blocker) then
                return next blocker;
            end if;
        exception when insufficient_privilege then
            null; -- a login of which the administrator is no member: told as a blocker, not ended
        end;
    end loop;
end $$;
comment on function ops.end_idle_readers is
    'End those of `pids` that are readers, idle in a transaction, and hold up the calling role.';

revoke all on function
    ops.first_words, ops.is_reader, ops.blockers, ops.end_idle_readers, ops.readers_before from public;
grant execute on function ops.blockers, ops.end_idle_readers to loader, transformer, publisher;
grant execute on function ops.readers_before to publisher;
