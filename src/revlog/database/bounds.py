"""What a role may take: time for a statement, a lock or an idle transaction, and connections.

Set on the roles themselves, so that they bind every client. A session may lift its own timeouts; no stage
relies on them (see waits.py). Connection limits bind whatever a client sets.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from revlog.config.settings import Settings, settings
from revlog.database.connections import READERS, STAGE_ROLES

# Of max_connections; what is left is for the pipeline, Airflow and people.
SHARES = {"bi_reader": 0.5, "finance_reader": 0.1, "auditor": 0.1}
NO_LIMIT = -1


def bound_roles(connection: psycopg.Connection) -> None:
    """Give the roles their timeouts and connection limits; what is so already is not touched."""
    given = settings()
    for role, (limit, options) in _current(connection).items():
        wanted_limit = _connections(connection, given, role)
        if limit != wanted_limit:
            connection.execute(
                sql.SQL("alter role {} connection limit {}").format(sql.Identifier(role), wanted_limit)
            )
        for name, value in timeouts(given, role).items():
            if not _is_same(connection, name, options.get(name), value):
                connection.execute(
                    sql.SQL("alter role {} set {} = {}").format(
                        sql.Identifier(role), sql.Identifier(name), value
                    )
                )
    _reserve_connections(connection)


def timeouts(given: Settings, role: str) -> dict[str, str]:
    """Timeouts of a role, as PostgreSQL calls them."""
    if role in READERS:
        return {
            "statement_timeout": given.reader_statement_timeout,
            "lock_timeout": given.reader_lock_timeout,
            "idle_in_transaction_session_timeout": given.reader_idle_transaction_timeout,
            "idle_session_timeout": given.reader_idle_session_timeout,
        }
    return {
        "statement_timeout": given.writer_statement_timeout,
        "lock_timeout": f"{given.lock_patience_minutes * 60:.0f}s",
        "idle_in_transaction_session_timeout": given.writer_idle_transaction_timeout,
    }


def _current(connection: psycopg.Connection) -> dict[str, tuple[int, dict[str, str]]]:
    rows = connection.execute(
        "select r.rolname, r.rolconnlimit, coalesce(s.setconfig, '{}') from pg_roles as r"
        " left join pg_db_role_setting as s on s.setrole = r.oid and s.setdatabase = 0"
        " where r.rolname = any(%s)",
        [[*READERS, *STAGE_ROLES]],
    )
    return {role: (limit, dict(o.split("=", 1) for o in options)) for role, limit, options in rows}


def _connections(connection: psycopg.Connection, given: Settings, role: str) -> int:
    if role in STAGE_ROLES:
        return NO_LIMIT
    if (explicit := getattr(given, f"{role}_connections")) is not None:
        return int(explicit)
    row = connection.execute("select current_setting('max_connections')::int").fetchone()
    assert row is not None
    return max(1, int(row[0] * SHARES[role]))


def _is_same(connection: psycopg.Connection, name: str, current: str | None, wanted: str) -> bool:
    """Compare as PostgreSQL reads them: 60s is 1min. Fails where `wanted` is no duration."""
    if current is None:
        return False
    with connection.transaction(force_rollback=True):
        row = connection.execute(
            "select set_config(%(name)s, %(a)s, true) = set_config(%(name)s, %(b)s, true)",
            {"name": name, "a": current, "b": wanted},
        ).fetchone()
    return row == (True,)


def _reserve_connections(connection: psycopg.Connection) -> None:
    """Let the pipeline's roles use the connections that the server reserves, from PostgreSQL 16 on.

    Without the right to grant that (an administrator who is no superuser) the readers' limits must do.
    """
    found = connection.execute(
        "select r.rolname from pg_roles as r, pg_roles as reserved"
        " where reserved.rolname = 'pg_use_reserved_connections' and r.rolname = any(%s)"
        " and not pg_has_role(r.oid, reserved.oid, 'member')",
        [list(STAGE_ROLES)],
    )
    for (role,) in found.fetchall():
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("grant pg_use_reserved_connections to {}").format(sql.Identifier(role))
                )
        except psycopg.errors.InsufficientPrivilege:
            return
