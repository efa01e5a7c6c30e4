"""Waiting for readers, with bounds: who stands in the way is told, ended where it only idles, else named.

A statement that locks readers out makes all new readers queue behind it. So it asks for its locks for a
moment only, lets go, and asks again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database.connections import ROLES, connect
from revlog.outputs.escaping import one_line

log = logging.getLogger("reverse_logistics.waits")
# All shorter than PostgreSQL's deadlock_timeout (1 s): where reader and writer wait for each other, the
# writer lets go before the reader is broken off. Many short ones pass between readers that hold several
# locks, long ones wait for the end of their statements.
TRY_SECONDS = (*[0.02] * 10, 0.1, 0.4)
# For the first lock alone, by a writer that holds no other, when readers have not left a gap for long.
DRAIN_SECONDS = 4.0
PAUSE_SECONDS = 0.02
LOOK_EVERY_SECONDS = 0.2
# Who has not been in the way for so long, and is again, is so for the first time.
FORGOTTEN_SECONDS = 10.0

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Blocker:
    """A session that others wait for; `query` are the first words of its last statement."""

    pid: int
    role: str
    application: str | None
    state: str
    since: dt.datetime | None
    query: str | None
    is_reader: bool

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        program = f", {self.application}" if self.application else ""
        query = f": {one_line(self.query)}" if self.query else ""
        return f"process {self.pid} ({self.role}{program}), {self.state}{since}{query}"


class StillBlocked(Refusal):
    """Someone holds what a stage needs, for longer than it waits; the message says who, and what to do."""


def patiently(
    connection: Connection, what: str, step: Callable[[float], None], minutes: float | None = None
) -> None:
    """Run `step` in a transaction of its own, or a savepoint, until it gets its locks.

    `step` takes the seconds for which it may wait for the first of them, and gives them to `take_turns`; it
    must be repeatable. After READER_PATIENCE_SECONDS readers that hold it up and idle are ended. Raises
    StillBlocked after `minutes` (LOCK_PATIENCE_MINUTES).
    """
    if _done(connection, step, TRY_SECONDS[-1]):
        return
    patience = 60 * (settings().lock_patience_minutes if minutes is None else minutes)
    started = time.monotonic()
    user = connection.info.user
    with watched(user if user in ROLES else "admin", what) as watch:
        for seconds in itertools.cycle(TRY_SECONDS):
            if (waited := time.monotonic() - started) > patience:
                break
            time.sleep(PAUSE_SECONDS)
            is_late = waited > settings().reader_patience_seconds and seconds == TRY_SECONDS[-1]
            if _done(connection, step, DRAIN_SECONDS if is_late else seconds):
                return
    raise StillBlocked(explained(f"{what} waited {patience / 60:g} minutes in vain", watch.blockers))


def take_turns(connection: Connection, statements: Sequence[sql.Composed], seconds: float) -> None:
    """Run statements that lock: wait for the first for `seconds`, and for all others together no longer."""
    deadline = time.monotonic() + seconds
    for statement in statements:
        limit(connection, deadline - time.monotonic())
        connection.execute(statement)
        deadline = min(deadline, time.monotonic() + TRY_SECONDS[-1])


def limit(connection: Connection, seconds: float) -> None:
    """Let no statement of the transaction wait longer for a lock."""
    milliseconds = max(1, int(1000 * seconds))
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(milliseconds)))


def _done(connection: Connection, step: Callable[[float], None], seconds: float) -> bool:
    try:
        with connection.transaction():
            step(seconds)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        return False
    return True


class Watch:
    """Looks at who blocks sessions of one role; tells each blocker once, ends those that only idle."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.blockers: list[Blocker] = []
        self._seen: dict[int, tuple[float, float]] = {}

    def look(self, connection: Connection) -> None:
        """Take one look; ends readers that have blocked for READER_PATIENCE_SECONDS and idle."""
        found = blockers(connection, "select * from ops.blockers() order by since")
        if not found:
            return
        self.blockers = found
        now = time.monotonic()
        patience = settings().reader_patience_seconds
        seen = {pid: times for pid, times in self._seen.items() if now - times[1] < FORGOTTEN_SECONDS}
        for blocker in found:
            if blocker.pid not in seen:
                log.warning("%s waits for %s", self.what, blocker)
            seen[blocker.pid] = (seen.get(blocker.pid, (now, now))[0], now)
        self._seen = seen
        over = [pid for pid, (first, _) in seen.items() if now - first >= patience]
        if over:
            end_idle(connection, self.what, over)


def blockers(connection: Connection, query: str, parameters: list[Any] | None = None) -> list[Blocker]:
    """Sessions that a query of ops.blockers or ops.readers_before returns."""
    with connection.cursor(row_factory=class_row(Blocker)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def end_idle(connection: Connection, what: str, pids: list[int]) -> None:
    """End those that are readers and idle in a transaction."""
    for (pid,) in connection.execute("select ops.end_idle_readers(%s)", [pids]).fetchall():
        log.warning("%s: process %s idled in a transaction and was ended", what, pid)


def explained(problem: str, found: list[Blocker]) -> str:
    """The problem, who is its cause, and what to do."""
    if not found:
        return f"{problem}; who held the lock is gone. Run it again."
    names = "; ".join(map(str, found))
    ends = "; ".join(f"select pg_terminate_backend({blocker.pid})" for blocker in found)
    return (
        f"{problem} for {names}. Let it finish, or end it as the administrator: {ends}. Then run this again;"
        " nothing is lost."
    )


@contextlib.contextmanager
def watched(login: str, what: str) -> Iterator[Watch]:
    """While the block runs, watch what sessions of `login` (as in `connect`) wait for."""
    watch, over = Watch(what), threading.Event()

    def keep_looking() -> None:
        # Where nobody can look, what waits is bounded all the same; only nobody is named.
        with contextlib.suppress(psycopg.Error), connect(login, autocommit=True) as connection:
            while not over.wait(LOOK_EVERY_SECONDS):
                watch.look(connection)

    thread = threading.Thread(target=keep_looking, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()
