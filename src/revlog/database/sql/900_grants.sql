-- Who may do what. PUBLIC has nothing; every role gets what its step needs.
do $$ begin
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to loader, transformer, validator, publisher, reporter, '
        'sender, maintainer, bi_reader, finance_reader, auditor', current_database());
    execute format(
        'grant temporary on database %I to loader, transformer, publisher', current_database());
end $$;
revoke all on schema public from public;
-- PostgreSQL lets everyone run a new function.
alter default privileges revoke execute on functions from public;
alter default privileges for role transformer revoke execute on functions from public;
alter default privileges for role publisher revoke execute on functions from public;
revoke execute on all functions in schema
    raw, ops, staging, intermediate, core, estimates, build, marts, finance from public;

-- Tables of raw are granted where they are made, as the contracts mark them: src/revlog/ingestion/raw.py.

-- loader: inserts into raw and ops
grant usage on schema raw, ops to loader;
grant insert, select, update on ops.file_ledger to loader;
grant insert, select on ops.quarantine to loader;
grant select, insert, update, delete on ops.unclaimed_files to loader;
grant select on ops.erasures to loader;
grant select, insert on ops.company to loader;
grant usage on sequence ops.ledger_seq to loader;

-- transformer: reads raw, owns staging to build
grant usage on schema raw, ops to transformer;
grant select on ops.file_ledger, ops.quarantine, ops.publications to transformer;
grant select on ops.period_acts, ops.frozen_postings, ops.frozen_accruals, ops.company to transformer;
grant select, insert, update on ops.builds to transformer;
grant select, insert on ops.validation_results to transformer;

-- validator: judges everything but identities, writes what it found
grant usage on schema raw, ops, staging, intermediate, core, estimates, build, marts, finance to validator;
grant select on all tables in schema
    ops, staging, intermediate, core, estimates, build, marts, finance to validator;
grant insert on ops.validation_results to validator;
alter default privileges for role transformer in schema staging, intermediate, core, estimates, build
    grant select on tables to validator;
alter default privileges for role publisher in schema marts, finance
    grant select on tables to validator;

-- publisher: writes marts and finance
grant usage on schema build, ops to publisher;
grant select on all tables in schema build to publisher;
grant select on ops.file_ledger, ops.builds, ops.validation_results to publisher;
grant select, insert on
    ops.publications, ops.period_acts, ops.frozen_postings, ops.frozen_accruals, ops.exception_decisions
    to publisher;
grant usage on sequence ops.publications_publication_id_seq to publisher;
alter default privileges for role transformer in schema build grant select on tables to publisher;

-- reporter: writes the pages and workbooks, from what readers see and from the books
grant usage on schema marts, finance, ops to reporter;
grant select on all tables in schema marts, finance, ops to reporter;
alter default privileges for role publisher in schema marts, finance
    grant select on tables to reporter;

-- sender: tells other systems what is published; its ledger is granted where it is made
grant usage on schema marts, finance to sender;
grant select on all tables in schema marts, finance to sender;
alter default privileges for role publisher in schema marts, finance
    grant select on tables to sender;

-- maintainer: removes what is old or erased, and keeps the planner's statistics
grant usage on schema raw, ops, staging, intermediate, core, estimates, build, marts, finance to maintainer;
grant select, update, delete on all tables in schema raw to maintainer;
grant select, update (reason, findings) on ops.file_ledger to maintainer;
grant select, update, delete on ops.quarantine to maintainer;
grant select, insert, update on ops.erasures to maintainer;
grant select on ops.customer_key to maintainer;
do $$ begin
    -- Before PostgreSQL 17 only owners could vacuum.
    if current_setting('server_version_num')::integer >= 170000 then
        execute 'grant maintain on all tables in schema raw, ops, staging, intermediate, core, estimates, build, '
            'marts, finance to maintainer';
        execute 'alter default privileges for role transformer in schema staging, intermediate, core, '
            'estimates, build grant maintain on tables to maintainer';
        execute 'alter default privileges for role publisher in schema marts, finance '
            'grant maintain on tables to maintainer';
    end if;
end $$;

-- how long each stage took, written by the stage (which may ask for the newest build's date)
grant select on ops.builds to loader, sender, maintainer;
grant select, insert on ops.stage_runs
    to loader, transformer, validator, publisher, reporter, sender, maintainer;

-- readers
grant usage on schema marts to bi_reader, finance_reader;
grant usage on schema finance, ops to finance_reader;
grant select on all tables in schema marts to bi_reader, finance_reader;
grant select on all tables in schema finance to finance_reader;
-- Of tables that hold what is no figure, or sums among what they sum up, readers have the views (`is_for_views`)
do $$
declare
    closed text;
begin
    for closed in
        select c.oid::regclass from pg_class as c
        where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'
            and c.relname ~ '^(kpi_cells|kpi_months|cycle_slices|cycle_step_slices)(__history.*)?$'
    loop
        execute format('revoke select on %s from bi_reader, finance_reader', closed);
    end loop;
end $$;
grant select on ops.file_ledger, ops.publications, ops.exception_decisions to finance_reader;
-- of the books everyone may see counts and reasons
grant usage on schema ops to bi_reader;
grant select on ops.pipeline_files, ops.pipeline_refusals, ops.pipeline_stages, ops.pipeline_checks
    to bi_reader, finance_reader;
alter default privileges for role publisher in schema marts
    grant select on tables to bi_reader, finance_reader;
alter default privileges for role publisher in schema finance grant select on tables to finance_reader;

-- auditor: reads everything, writes nothing
grant usage on schema raw, ops, staging, intermediate, core, estimates, build, marts, finance to auditor;
grant select on all tables in schema
    raw, ops, staging, intermediate, core, estimates, build, marts, finance to auditor;
alter default privileges for role transformer in schema staging, intermediate, core, estimates, build
    grant select on tables to auditor;
alter default privileges for role publisher in schema marts, finance
    grant select on tables to auditor;
