"""Bring the database to the state that the code expects; may run any number of times."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
from psycopg import sql

from warehouse import locks, server, version
from warehouse.connections import ROLES, connect, dsn
from warehouse.secrets import secret
from warehouse.settings import settings

SQL = Path(__file__).parent / "sql"


def upgrade() -> str:
    """Bring everything to this code's version: books, raw tables, roles, grants; returns a line for people.

    Raises OtherVersion, before it changes anything, where newer code has been here.
    """
    from ingestion.raw import create_raw_tables

    migrate()
    create_raw_tables()
    grant()
    with connect("admin") as connection:
        version.note(connection)
    return f"the warehouse is of version {version.of_code()}"


def migrate() -> None:
    """Start the embedded server where it is the warehouse, then apply `warehouse/sql` and roles.

    Every file is written to be repeatable; they run in name order in one transaction.
    """
    if settings().warehouse_dsn is None:
        server.start()
        _create_database()
    _create_lock()
    with connect("admin") as connection:
        locks.take(connection, locks.MIGRATION, tell=print)
        version.refuse_older_code(connection)
        _create_roles(connection)
        for file in sorted(SQL.glob("*.sql")):
            connection.execute(file.read_bytes())


def grant() -> None:
    """Apply the grants again, after tables have been created."""
    with connect("admin") as connection:
        locks.take(connection, locks.MIGRATION, tell=print)
        connection.execute((SQL / "900_grants.sql").read_bytes())


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


def _create_database() -> None:
    name = settings().warehouse_database
    with psycopg.connect(dsn("admin", database="postgres"), autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [name])
        if found.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def _create_roles(connection: psycopg.Connection) -> None:
    """Create the six roles, none a superuser, with their generated or given passwords."""
    found = connection.execute("select rolname, rolsuper or rolcreatedb or rolcreaterole from pg_roles")
    known: dict[str, bool] = dict(found.fetchall())
    for role in ROLES:
        verb = "alter" if role in known else "create"
        # Only superusers may as much as mention it for a role that there is.
        plain = "nosuperuser nocreatedb nocreaterole" if known.get(role, True) else ""
        connection.execute(
            sql.SQL("{} role {} login {} password {}").format(
                sql.SQL(verb), sql.Identifier(role), sql.SQL(plain), sql.Literal(secret(role))
            )
        )
        # A non-superuser administrator must be a member to hand over ownership.
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
