"""Every role × object × verb, against who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from revlog.contracts.contract import all_feeds, load_contract
from revlog.database.connections import READERS, ROLES, STAGE_ROLES, connect, dsn
from revlog.ingestion.raw import identity_table
from revlog.maintenance.migrate import create_airflow_database, grant, migrate
from tests.integration.second_feed import second_feed

SCHEMAS = ("raw", "ops", "staging", "intermediate", "core", "estimates", "build", "marts", "finance")
VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
EVERYTHING = set(VERBS)
ERASING = {"SELECT", "UPDATE", "DELETE"}
TRANSFORMERS = ("staging", "intermediate", "core", "estimates", "build")
PUBLISHERS = ("marts", "finance")
# What a role may do with single tables of ops; everything not named is forbidden.
OPS = {
    ("loader", "file_ledger"): {"SELECT", "INSERT", "UPDATE"},
    ("loader", "quarantine"): {"SELECT", "INSERT"},
    ("loader", "unclaimed_files"): {"SELECT", "INSERT", "UPDATE", "DELETE"},
    ("loader", "erasures"): {"SELECT"},
    ("loader", "customer_key"): {"SELECT"},
    ("loader", "company"): {"SELECT", "INSERT"},
    ("transformer", "file_ledger"): {"SELECT"},
    ("transformer", "quarantine"): {"SELECT"},
    ("transformer", "publications"): {"SELECT"},
    ("transformer", "company"): {"SELECT"},
    ("transformer", "builds"): {"SELECT", "INSERT", "UPDATE"},
    ("transformer", "validation_results"): {"SELECT", "INSERT"},
    ("publisher", "file_ledger"): {"SELECT"},
    ("publisher", "builds"): {"SELECT"},
    ("publisher", "validation_results"): {"SELECT"},
    ("publisher", "publications"): {"SELECT", "INSERT"},
    **{(role, view): {"SELECT"} for role in ("transformer", "publisher") for view in ("shown", "standing")},
    # Append-only, also for the one who closes.
    ("publisher", "period_acts"): {"SELECT", "INSERT"},
    ("publisher", "frozen_postings"): {"SELECT", "INSERT"},
    ("publisher", "frozen_accruals"): {"SELECT", "INSERT"},
    ("publisher", "exception_decisions"): {"SELECT", "INSERT"},
    ("transformer", "period_acts"): {"SELECT"},
    ("transformer", "frozen_postings"): {"SELECT"},
    ("transformer", "frozen_accruals"): {"SELECT"},
    ("transformer", "acceptances"): {"SELECT", "INSERT"},
    ("transformer", "model_runs"): {"SELECT", "INSERT"},
    **{(role, "stage_runs"): {"SELECT", "INSERT"} for role in STAGE_ROLES},
    # Each writes its own steps only.
    ("transformer", "build_steps"): {"SELECT", "INSERT", "UPDATE"},
    ("validator", "build_steps"): {"SELECT", "INSERT", "UPDATE"},
    ("publisher", "build_steps"): {"SELECT"},
    ("transformer", "clock_settings"): {"SELECT"},
    ("validator", "validation_results"): {"SELECT", "INSERT"},
    ("maintainer", "file_ledger"): {"SELECT"},
    ("maintainer", "builds"): {"SELECT"},
    ("loader", "builds"): {"SELECT"},
    ("maintainer", "quarantine"): {"SELECT", "UPDATE", "DELETE"},
    ("maintainer", "erasures"): {"SELECT", "INSERT", "UPDATE"},
    ("maintainer", "customer_key"): {"SELECT"},
    ("publisher", "model_runs"): {"SELECT"},
    **{(role, "versions"): {"SELECT"} for role in STAGE_ROLES},
    ("sender", "standing"): {"SELECT"},
    ("sender", "builds"): {"SELECT"},
    # What was decided stays: of the ledger, the sender updates the columns of what became of it.
    ("sender", "outbound_feeds"): {"SELECT", "INSERT"},
    ("sender", "outbound_ledger"): {"SELECT", "INSERT"},
    ("finance_reader", "file_ledger"): {"SELECT"},
    ("finance_reader", "publications"): {"SELECT"},
    ("finance_reader", "standing"): {"SELECT"},
    ("finance_reader", "exception_decisions"): {"SELECT"},
    # Counts and reasons, for the dashboard of the pipeline.
    **{
        (role, f"pipeline_{view}"): {"SELECT"}
        for role in ("bi_reader", "finance_reader")
        for view in ("files", "refusals", "stages", "checks")
    },
}


def _allowed(role: str, schema: str, table: str) -> set[str]:
    return _on_rows(role, schema, table) | ({"MAINTAIN"} if role == "maintainer" else set())


def _on_rows(role: str, schema: str, table: str) -> set[str]:
    if role == "auditor":
        return {"SELECT"}
    if schema == "raw" and table not in all_feeds():
        rights = {"maintainer": ERASING}
        if table in _identity_tables():
            rights["loader"] = {"INSERT"}
        return rights.get(role, set())
    if schema == "ops":
        return OPS.get((role, table), {"SELECT"} if role in ("validator", "reporter") else set())
    rules: dict[str, dict[str, set[str]]] = {
        "loader": {"raw": {"SELECT", "INSERT"}},
        "transformer": {"raw": {"SELECT"}, **dict.fromkeys(TRANSFORMERS, EVERYTHING)},
        "publisher": {"build": {"SELECT"}, **dict.fromkeys(PUBLISHERS, EVERYTHING)},
        "validator": {schema: {"SELECT"} for schema in SCHEMAS},
        "reporter": {"marts": {"SELECT"}, "finance": {"SELECT"}},
        "sender": {"marts": {"SELECT"}, "finance": {"SELECT"}},
        "maintainer": {"raw": ERASING},
        "bi_reader": {"marts": {"SELECT"}},
        "finance_reader": {"marts": {"SELECT"}, "finance": {"SELECT"}},
    }
    return rules[role].get(schema, set())


def _identity_tables() -> set[str]:
    """Where the contracts' marks put what names a person."""
    return {identity_table(feed) for feed in all_feeds() if load_contract(feed).restricted}


@pytest.fixture(scope="module")
def tables(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str]]]:
    """Every table of the warehouse, with one in each schema that a build or publication would fill.

    Among them those of a second feed with names, and one of a feed whose contract is gone.
    """
    with connect("admin") as connection:
        connection.execute("create table raw.gone_identity (name text)")
        connection.execute("grant select on raw.gone_identity to loader, transformer")
    with second_feed(tmp_path_factory.mktemp("company") / "contracts"):
        yield _tables()


def _tables() -> list[tuple[str, str]]:
    with connect("transformer") as connection:
        for schema in TRANSFORMERS:
            connection.execute(f"create table {schema}.sample (id integer)")
    with connect("publisher") as connection:
        for schema in PUBLISHERS:
            connection.execute(f"create table {schema}.sample (id integer)")
    grant()
    with connect("admin") as connection:
        return connection.execute(
            "select n.nspname, c.relname from pg_class as c"
            " inner join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname = any(%s) and c.relkind in ('r', 'v', 'm', 'p') order by 1, 2",
            [list(SCHEMAS)],
        ).fetchall()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_exactly_what_its_step_needs(role: str, tables: list[tuple[str, str]]) -> None:
    assert {schema for schema, _ in tables} == set(SCHEMAS)
    assert _identity_tables() == {name for _, name in tables if name.endswith("_identity")} - {
        "gone_identity"
    }
    wrong = []
    with connect("admin") as connection:
        for schema, table in tables:
            allowed = _allowed(role, schema, table)
            for verb in VERBS:
                row = connection.execute(
                    "select has_table_privilege(%s, %s, %s)",
                    [role, f'"{schema}"."{table}"', verb],
                ).fetchone()
                if row != (verb in allowed,):
                    wrong.append(f"{role} {verb} {schema}.{table}: {row}, want {verb in allowed}")
    assert wrong == []


def test_who_tells_others_can_not_change_what_was_decided(database: Path) -> None:
    with connect("admin") as connection:
        updated = connection.execute(
            "select attname from pg_attribute where attrelid = 'ops.outbound_ledger'::regclass and attnum > 0"
            " and has_column_privilege('sender', attrelid, attnum, 'UPDATE') order by attname"
        ).fetchall()
    assert [name for (name,) in updated] == [
        "actor", "column_digests", "data_sha256", "ended_at", "file_name", "note", "payload", "refusals",
        "said", "set_aside_by", "status",
    ]  # fmt: skip


def test_public_has_nothing(tables: list[tuple[str, str]]) -> None:
    with connect("admin") as connection:
        grants = connection.execute(
            "select table_schema, table_name, privilege_type"
            " from information_schema.role_table_grants"
            " where grantee = 'PUBLIC' and table_schema = any(%s)",
            [list(SCHEMAS)],
        ).fetchall()
        row = connection.execute(
            "select has_database_privilege('public', current_database(), 'CONNECT'),"
            " has_schema_privilege('public', 'public', 'USAGE')"
        ).fetchone()
    assert grants == []
    assert row == (False, False)


def test_a_new_table_of_marts_is_readable_at_once_and_not_writable(database: Path) -> None:
    with connect("publisher") as connection:
        connection.execute("create table marts.fresh as select 1 as id")
    with connect("bi_reader") as connection:
        assert connection.execute("select id from marts.fresh").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("insert into marts.fresh values (2)")


def test_bi_readers_cannot_open_finance(tables: list[tuple[str, str]]) -> None:
    with connect("bi_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from finance.sample")


# What can be written without a right to any table, in part as PostgreSQL comes.
WRITES_OF_EVERYONE = (
    "select lo_creat(-1)",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'kept')",
    "select lo_put(4711, 0, 'changed')",
    "select lowrite(lo_open(4711, 131072), 'changed')",
    "select lo_truncate(lo_open(4711, 131072), 0)",
    "select lo_unlink(4711)",
    "select lo_import('/etc/hostname')",
    "select lo_export(4711, '/tmp/exported')",
    "select pg_logical_emit_message(false, 'x', 'kept in the WAL')",
    "create schema mine",
    "create table public.mine (id integer)",
    "create function public.mine() returns integer language sql as 'select 1'",
    "copy (select 1) to '/tmp/copied'",
    "copy (select 1) to program 'cat'",
    "select nextval('ops.ledger_seq')",
    "select setval('ops.ledger_seq', 1)",
    "insert into pg_catalog.pg_largeobject values (4711, 0, 'x')",
    "create publication mine",
    "alter system set work_mem = '1GB'",
)
TEMPORARY = "create temporary table mine (id integer)"


@pytest.fixture(scope="module")
def databases(database: Path) -> list[str]:
    """What the server has from its beginning, Airflow's, and one that was restored beside the others."""
    create_airflow_database()
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute("create database restored template template_warehouse")
        connection.execute("select lo_from_bytea(4711, 'of the administrator')")
    migrate()
    with connect("admin") as connection:
        mine = connection.info.dbname
        found = {name for (name,) in connection.execute("select datname from pg_database")}
    # Other tests' warehouses, under whatever names, are on the same server and let the roles in, too.
    named = {"airflow", "postgres", "restored", "template0", "template1", mine}
    assert named <= found
    return sorted(named)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_enters_the_warehouse_only(role: str, databases: list[str]) -> None:
    with connect(role) as connection:
        mine = connection.info.dbname
        entered = [
            name
            for name in databases
            for right in ("CONNECT", "TEMPORARY", "CREATE")
            if connection.execute("select has_database_privilege(%s, %s)", [name, right]).fetchone()[0]
            and (name, right) not in {(mine, "CONNECT"), (mine, "TEMPORARY")}
        ]
    assert entered == []
    for name in sorted(set(databases) - {mine}):
        with pytest.raises(psycopg.OperationalError, match=r"permission denied|not currently accepting"):
            psycopg.connect(dsn(role, name))


@pytest.mark.parametrize("role", ROLES)
def test_no_role_writes_what_postgresql_lets_everyone_write(role: str, databases: list[str]) -> None:
    may = {"loader": {"select nextval('ops.ledger_seq')"}}.get(role, set())
    written = []
    with connect(role, autocommit=True) as connection:
        for statement in WRITES_OF_EVERYONE:
            try:
                connection.execute(statement)
                written.append(statement)
            except psycopg.errors.InsufficientPrivilege:
                pass
    assert set(written) == may


@pytest.mark.parametrize("role", ROLES)
def test_only_roles_that_build_have_temporary_tables(role: str, databases: list[str]) -> None:
    with connect(role) as connection:
        if role in ("loader", "transformer", "publisher"):
            connection.execute(TEMPORARY)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="temporary"):
                connection.execute(TEMPORARY)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_uses_no_sequence_but_the_one_it_numbers_with(
    role: str, tables: list[tuple[str, str]]
) -> None:
    with connect("admin") as connection:
        used = connection.execute(
            "select oid::regclass::text, privilege from pg_class,"
            " unnest(array['USAGE', 'UPDATE']) as privilege"
            " where relkind = 'S' and relowner <> %s::regrole and has_sequence_privilege(%s, oid, privilege)",
            [role, role],
        ).fetchall()
    allowed = {
        "loader": [("ops.ledger_seq", "USAGE")],
        "publisher": [("ops.publications_publication_id_seq", "USAGE")],
    }
    assert used == allowed.get(role, [])


def test_no_function_of_the_warehouse_is_run_by_everyone(tables: list[tuple[str, str]]) -> None:
    with connect("publisher") as connection:
        connection.execute("create function marts.fresh() returns integer language sql as 'select 1'")
    with connect("admin") as connection:
        found = connection.execute(
            "select oid::regprocedure::text from pg_proc where pronamespace::regnamespace::text = any(%s)"
            " and has_function_privilege('public', oid, 'EXECUTE')",
            [list(SCHEMAS)],
        ).fetchall()
    assert found == []


def test_a_reader_owns_nothing_and_is_no_member_of_another_role(database: Path) -> None:
    with connect("admin") as connection:
        owned = connection.execute(
            "select refobjid::regrole::text from pg_shdepend where deptype = 'o'"
            " and refclassid = 'pg_authid'::regclass and refobjid::regrole::text = any(%s)",
            [[*READERS, "validator", "reporter", "sender", "maintainer"]],
        ).fetchall()
        inherited = connection.execute(
            "select member::regrole::text, roleid::regrole::text from pg_auth_members"
            " where member::regrole::text = any(%s)",
            [list(ROLES)],
        ).fetchall()
    assert owned == []
    # Stages may have a connection when readers have taken all others; that is all it lets them do.
    assert {role for _, role in inherited} <= {"pg_use_reserved_connections"}
    assert not {member for member, _ in inherited} & set(READERS)


def test_a_password_is_in_no_statement_that_sets_it(database: Path) -> None:
    with connect("admin") as connection:
        kept = connection.execute(
            "select rolname, rolpassword from pg_authid where rolname = any(%s)", [list(ROLES)]
        ).fetchall()
    assert len(kept) == len(ROLES)
    assert all(verifier.startswith("SCRAM-SHA-256$4096:") for _, verifier in kept)


def test_what_a_role_changes_of_itself_lasts_until_the_next_migration(database: Path) -> None:
    with connect("bi_reader") as connection:
        connection.execute("alter role bi_reader set work_mem = '1GB'")
        connection.execute("alter role bi_reader password 'of a reader''s own'")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect("bi_reader")
    migrate()
    with connect("bi_reader") as connection:
        assert connection.execute("show work_mem").fetchone() == ("64MB",)


@pytest.fixture()
def plain_administrator(databases: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An administrator who is no superuser, with a database of his own, as managed servers have."""
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute("grant connect, temporary on database restored to public")
        connection.execute("create role plain_admin login createrole createdb password 'of the admin'")
        for role in ROLES:
            connection.execute(f"grant {role} to plain_admin with admin option")
        connection.execute("create database plain owner plain_admin")
    there = dsn("admin", "plain").rpartition("@")[2]
    monkeypatch.setenv("WAREHOUSE_DSN", f"postgresql://plain_admin:of%20the%20admin@{there}")
    yield
    monkeypatch.setenv("WAREHOUSE_DSN", "")
    migrate()


def test_an_administrator_without_the_right_says_what_a_superuser_should_run(
    plain_administrator: None,
) -> None:
    left = migrate()
    assert left[0] == 'revoke all on database "restored" from public;'
    assert left[1].startswith("revoke execute on function ")
    assert "lo_creat(integer), " in left[1]
    with connect("bi_reader") as connection:
        assert connection.info.dbname == "plain"
        assert connection.execute(
            "select has_database_privilege('public', 'plain', 'CONNECT')"
        ).fetchone() == (False,)
