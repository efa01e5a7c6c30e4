"""Bring the database to the state that the code expects; may run any number of times."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
from psycopg import sql

from revlog.companies.company import warehouse_database
from revlog.config.refusal import Refusal
from revlog.config.secrets import secret
from revlog.config.settings import ROOT, settings
from revlog.database import locks, server, version, waits
from revlog.database.bounds import bound_roles
from revlog.database.connections import AIRFLOW, ROLES, connect, dsn
from revlog.database.rights import left_over, revoke_from_everyone

SQL = ROOT / "src" / "revlog" / "database" / "sql"


class NotMigrated(Refusal):
    """A step of the migration would harm what others have made; the message says what to do."""


def upgrade() -> str:
    """Bring everything to this code's version: books, raw tables, roles, grants; returns a line for people.

    Raises OtherVersion, before it changes anything, where newer code has been here, and WrongKey where
    the customer key is missing or another than customers were hashed with.
    """
    from revlog.ingestion.customer_key import keep_key
    from revlog.ingestion.erasure import hash_numbers
    from revlog.ingestion.raw import create_raw_tables

    left = migrate()
    create_raw_tables()
    grant()
    keep_key()
    hash_numbers()
    with connect("admin") as connection:
        version.note(connection)
    return f"the warehouse is of version {version.of_code()}{left_over(left)}"


def migrate() -> list[str]:
    """Start the embedded server where it is the warehouse, then apply `src/revlog/database/sql` and roles.

    Every file is written to be repeatable, and takes no lock that readers mind where it changes nothing.
    They run in name order, each in a transaction of its own, so that few locks are held at a time. Raises
    StillBlocked where someone does not let go, NotMigrated where a step would harm what others have made;
    what was done by then stays, and the next call goes on.
    Returns the statements that this administrator may not run, for who may: until then everyone keeps what
    they take away.
    """
    if settings().warehouse_dsn is None:
        server.start()
        _create_database()
    _create_lock()
    with (
        locks.hold(locks.MIGRATION, "admin", "a migration"),
        connect("admin", autocommit=True) as connection,
    ):
        version.refuse_older_code(connection)
        with connection.transaction():
            create_roles(connection)
            bound_roles(connection)
        for file in sorted(SQL.glob("*.sql")):
            _apply(connection, file)
        return revoke_from_everyone(connection)


def grant() -> None:
    """Apply the grants again, after tables have been created."""
    with (
        locks.hold(locks.MIGRATION, "admin", "a migration"),
        connect("admin", autocommit=True) as connection,
    ):
        _apply(connection, SQL / "900_grants.sql")


def _apply(connection: psycopg.Connection, file: Path) -> None:
    statements = file.read_bytes()

    def step(seconds: float) -> None:
        waits.limit(connection, min(seconds, waits.TRY_SECONDS[-1]))
        connection.execute(statements)

    try:
        waits.patiently(connection, f"migration step {file.name}", step)
    except psycopg.errors.RaiseException as error:
        raise NotMigrated(f"migration step {file.name}: {error.diag.message_primary}") from error


def _create_lock() -> None:
    """Make the lock of migrations before the first of them; where two do at once, the slower finds it."""
    made_by_other = (
        psycopg.errors.UniqueViolation, psycopg.errors.DuplicateSchema, psycopg.errors.DuplicateTable
    )  # fmt: skip
    with connect("admin", autocommit=True) as connection:
        for statement in (
            "create schema if not exists locks",
            "create table if not exists locks.migration ()",
        ):
            with contextlib.suppress(*made_by_other):
                connection.execute(statement)


def create_airflow_database() -> None:
    """Create or update role and database `airflow`, beside the warehouse on the same server."""
    with connect("admin", autocommit=True) as connection:
        known = connection.execute("select 1 from pg_roles where rolname = %s", [AIRFLOW]).fetchone()
        _set_role(connection, AIRFLOW, "alter" if known else "create")
        _create_if_missing(connection, AIRFLOW, owner=AIRFLOW)
        connection.execute("revoke all on database airflow from public")


def _create_database() -> None:
    with psycopg.connect(dsn("admin", database="postgres"), autocommit=True) as connection:
        _create_if_missing(connection, warehouse_database())


def _create_if_missing(connection: psycopg.Connection, name: str, owner: str | None = None) -> None:
    if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
        to = sql.SQL("owner {}").format(sql.Identifier(owner)) if owner else sql.SQL("")
        connection.execute(sql.SQL("create database {} {}").format(sql.Identifier(name), to))


def create_roles(connection: psycopg.Connection) -> None:
    """Create the roles, none a superuser, with their generated or given passwords."""
    found = connection.execute("select rolname, rolsuper or rolcreatedb or rolcreaterole from pg_roles")
    known: dict[str, bool] = dict(found.fetchall())
    for role in ROLES:
        verb = "alter" if role in known else "create"
        # Only superusers may as much as mention it for a role that there is.
        plain = "nosuperuser nocreatedb nocreaterole" if known.get(role, True) else ""
        _set_role(connection, role, verb, plain)


def _set_role(connection: psycopg.Connection, role: str, verb: str, attributes: str = "") -> None:
    """Create or alter a role that logs in; the statement holds no more than a verifier of its password."""
    verifier = connection.pgconn.encrypt_password(
        secret(role).encode(), role.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("{} role {} login {} password {}").format(
            sql.SQL(verb), sql.Identifier(role), sql.SQL(attributes), sql.Literal(verifier)
        )
    )
    # A role may change its own settings, such as how long its statements may take.
    connection.execute(sql.SQL("alter role {} reset all").format(sql.Identifier(role)))
    # A non-superuser administrator must be a member to hand over ownership. Who creates a role may alter it
    # from 16 on; of a server that was 15 once it has to be known.
    option = "with admin option" if connection.info.server_version < 160000 else ""
    connection.execute(sql.SQL("grant {} to current_user {}").format(sql.Identifier(role), sql.SQL(option)))
