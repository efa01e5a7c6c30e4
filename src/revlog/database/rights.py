"""Rights that are not of tables: who may enter which database, and what PostgreSQL lets everyone do.

What needs more than the administrator may do is left as it is and told, with the statement for who may.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

# What PostgreSQL lets everyone write without a right to any table: large objects, and messages in the WAL.
WRITING_FUNCTIONS = r"^(lo_.*|loread|lowrite|pg_logical_emit_message)$"


def revoke_from_everyone(connection: psycopg.Connection[Any]) -> list[str]:
    """Take from PUBLIC every database of the server and every function that writes; returns what is left.

    An administrator who is no superuser leaves the databases of others alone, and what PostgreSQL owns.
    """
    return [*_close_databases(connection), *_revoke_writing_functions(connection)]


def left_over(statements: list[str]) -> str:
    """What to tell of that: empty where nothing is left."""
    if not statements:
        return ""
    return (
        "\nThis administrator may not take from everyone (PUBLIC) what PostgreSQL gives to everyone. Nobody"
        " can change the warehouse by it; to close it too, let a superuser run:\n" + "\n".join(statements)
    )


def _close_databases(connection: psycopg.Connection[Any]) -> list[str]:
    """Let only those into a database who were granted it: PostgreSQL lets everyone into a new one."""
    rows = connection.execute(
        "select datname, datallowconn, pg_has_role(datdba, 'USAGE') as is_ours from pg_database"
        " where has_database_privilege('public', oid, 'CONNECT')"
        "   or has_database_privilege('public', oid, 'TEMPORARY')"
        "   or has_database_privilege('public', oid, 'CREATE')"
        " order by datname"
    ).fetchall()
    left = []
    for name, may_connect, is_ours in rows:
        statement = sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
        if is_ours:
            connection.execute(statement)
        elif may_connect:
            left.append(f"{statement.as_string(connection)};")
    return left


def _revoke_writing_functions(connection: psycopg.Connection[Any]) -> list[str]:
    row = connection.execute(
        "select string_agg(oid::regprocedure::text, ', ' order by oid),"
        "   (select rolsuper from pg_roles where rolname = current_user)"
        " from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proname ~ %s"
        "   and has_function_privilege('public', oid, 'EXECUTE')",
        [WRITING_FUNCTIONS],
    ).fetchone()
    assert row is not None
    functions, is_superuser = row
    if functions is None:
        return []
    statement = f"revoke execute on function {functions} from public"
    if not is_superuser:
        return [f"{statement};"]
    connection.execute(statement)
    return []
