"""The one list of the pipeline's locks, and the one way to take them.

A lock is an empty table of the schema `locks`, held by `lock table`: readers have no right to it, there is no
number to guess, and a lock that is held keeps nothing from being vacuumed. It dies with its connection.
Whoever takes several takes them in the order of this list.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database.connections import connect

Connection = psycopg.Connection[Any]
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Lock:
    """A table of `locks`, and what people call the thing that it keeps alone."""

    table: str
    what: str


# Whatever changes what a night reads or writes: its steps, publishing and withdrawing, closing a period,
# retention. Loads share it.
NIGHT = Lock("night", "a night's work")
# Numbers of ledger changes are committed in their order: a build that reads up to a number misses nothing.
LEDGER = Lock("ledger", "the file ledger")
# Whoever tells other systems: what one has decided and not yet marked, another would tell as well.
OUTBOUND = Lock("outbound", "sending to other systems")
MIGRATION = Lock("migration", "a migration")


def feed(name: str) -> Lock:
    """Loads of one feed; comes after NIGHT and before LEDGER."""
    return Lock(f"feed_{name}", f"a load of {name}")


class Busy(Refusal):
    """Someone else holds a lock, and did for as long as one waits; the message says who, and since when."""


@dataclass(frozen=True)
class _Held:
    guard: Connection
    is_shared: bool


_held: ContextVar[dict[Lock, _Held] | None] = ContextVar("locks that this process holds", default=None)


@contextlib.contextmanager
def hold(
    lock: Lock,
    role: str,
    purpose: str,
    *,
    shared: bool = False,
    tell: Tell = print,
    patience: float | None = None,
) -> Iterator[None]:
    """Hold `lock` by a connection of its own, as `role`; who holds it already goes on holding it.

    `purpose` is what others are told who wait. `shared` lets others share it, and keeps out who does not.
    Raises Busy after `patience` seconds (LOCK_PATIENCE_MINUTES), and the database's own error where the
    connection was lost meanwhile: then someone else may have had the lock, too.
    """
    before = _held.get() or {}
    if lock in before:
        assert shared or not before[lock].is_shared, f"{lock.what} is shared and can't be had alone"
        yield
        return
    # The connection does nothing for hours: neither server nor network may take it for dead.
    with connect(role, application_name=purpose[:63], keepalives_idle=30) as guard:
        let_last(guard)
        take(guard, lock, shared=shared, tell=tell, patience=patience)
        token = _held.set(before | {lock: _Held(guard, shared)})
        try:
            yield
            still_held(lock)
        finally:
            _held.reset(token)


@contextlib.contextmanager
def alone(role: str, purpose: str, **options: Any) -> Iterator[Connection]:
    """A transaction of `role` that has the night alone, and is committed only if it still has it then.

    `options` go to `connect`. Raises as `hold` does.
    """
    with hold(NIGHT, role, purpose), connect(role, **options) as connection:
        yield connection
        still_held(NIGHT)


def let_last(connection: Connection) -> None:
    """Let no timeout end the connection's transaction, which waits for hours without a statement."""
    connection.execute(
        "select set_config(name, '0', true) from pg_settings where name in"
        " ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')"
    )


def holds(lock: Lock) -> bool:
    """True within `hold`."""
    return lock in (_held.get() or {})


def still_held(lock: Lock) -> None:
    """Raise the database's error where the connection that holds `lock` is gone."""
    (_held.get() or {})[lock].guard.execute("select 1")


def take(
    connection: Connection,
    lock: Lock,
    *,
    shared: bool = False,
    tell: Tell = lambda line: None,
    patience: float | None = None,
) -> None:
    """Take `lock` until the end of the connection's transaction.

    Raises Busy after `patience` seconds; what the transaction did before stays.
    """
    assert not connection.autocommit, "a lock lasts as long as its transaction"
    patience = settings().lock_patience_minutes * 60 if patience is None else patience
    started = time.monotonic()
    if _taken(connection, lock, shared, 0):
        return
    tell(
        f"{lock.what} is under way: waiting for {_whom(connection, lock)}, up to {patience / 60:.0f} minutes"
    )
    while (left := patience - (time.monotonic() - started)) > 0:
        if _taken(connection, lock, shared, left):
            return
    raise Busy(
        f"{lock.what} is under way, and was for {patience / 60:.0f} minutes: {_whom(connection, lock)}."
        " Wait for its end and try again; LOCK_PATIENCE_MINUTES says how long anyone waits."
    )


def _taken(connection: Connection, lock: Lock, shared: bool, seconds: float) -> bool:
    """Try for so long; with 0 seconds, only whether it is free."""
    cursor = connection.cursor(row_factory=tuple_row)
    row = cursor.execute("select current_setting('lock_timeout')").fetchone()
    assert row is not None
    lock_table = sql.SQL("lock table {} in {} mode {}").format(
        sql.Identifier("locks", lock.table),
        sql.SQL("share" if shared else "exclusive"),
        sql.SQL("" if seconds else "nowait"),
    )
    try:
        # A savepoint, since the transaction has begun: what came before stays where the lock can't be had.
        with connection.transaction():
            _set_timeout(connection, str(max(1, int(seconds * 1000))))
            connection.execute(lock_table)
            _set_timeout(connection, row[0])
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _set_timeout(connection: Connection, timeout: str) -> None:
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(timeout)))


def _whom(connection: Connection, lock: Lock) -> str:
    return holders(connection, lock) or "someone who has just gone"


def holders(connection: Connection, lock: Lock) -> str:
    """Who holds it, in words; empty where nobody does."""
    cursor = connection.cursor(row_factory=tuple_row)
    found = cursor.execute(
        sql.SQL(
            "select s.pid, s.role, s.application, s.since at time zone 'UTC' from locks.sessions(array("
            "   select l.pid from pg_locks as l where l.granted and l.locktype = 'relation'"
            "   and l.database = (select oid from pg_database where datname = current_database())"
            "   and l.relation = {}::regclass)) as s where s.pid <> pg_backend_pid() order by s.since"
        ).format(sql.Literal(f"locks.{lock.table}"))
    ).fetchall()
    return " and ".join(
        f"{row[2]} ({row[1]}, process {row[0]} of the database) since {row[3]:%Y-%m-%d %H:%M:%S} UTC"
        for row in found
    )
