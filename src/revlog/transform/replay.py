"""Send what a plan holds (plan.py), in dbt's order and on as many connections as dbt would open."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from revlog.database.connections import connect
from revlog.transform.plan import BEGIN, Node, Plan, Statement, answer

# As many as dbt has (dbt_project/profiles.yml).
THREADS = 4
BESIDE = "beside"

Connection = psycopg.Connection[Any]
Result = dict[str, Any]


@dataclass(frozen=True)
class Beside:
    """Work that goes on beside the nodes, on a connection of its own, and nodes that wait for it."""

    work: Callable[[], object]
    awaited_by: Collection[str]


class NotAsPlanned(RuntimeError):
    """The database answers otherwise than when dbt rendered the plan, or a node broke: dbt has to say why."""


class Stopped(RuntimeError):
    """A node broke off for a reason outside of it: the server, a lock, the disk; the message is its own."""

    def __init__(self, node: str, error: psycopg.OperationalError) -> None:
        # What has no state is of the connection, and told as libpq tells of one.
        super().__init__(str(error) if error.sqlstate else f"connection to server: {error}")
        self.node = node


def run(
    plan: Plan,
    parameters: Mapping[str, Any],
    warns_if: Mapping[str, str],
    look: Callable[[], object],
    look_every: float,
    beside: Beside | None = None,
) -> list[Result]:
    """Results of the plan's nodes, as dbt gives them, for a build with these parameters.

    `warns_if` is each test's condition. `look` is called every so many seconds; what it raises ends all, as
    does what the work beside it raises. Raises NotAsPlanned or Stopped, and leaves what was built so far: a
    layer that runs again begins anew.
    """
    with _connections() as free:
        _start(plan, parameters, free)
        waiting = _order(plan, beside)
        waiting.prepare()
        results: list[Result] = []
        with ThreadPoolExecutor(THREADS + 1, thread_name_prefix="dbt") as pool:
            running: dict[Future[Any], str] = {}
            try:
                while waiting.is_active():
                    for name in waiting.get_ready():
                        if beside and name == BESIDE:
                            running[pool.submit(beside.work)] = name
                        else:
                            running[pool.submit(_node, plan, name, parameters, warns_if, free)] = name
                    done = wait(running, look_every, FIRST_COMPLETED).done
                    if not done:
                        look()
                    for future in done:
                        name = running.pop(future)
                        waiting.done(name)
                        if (result := future.result()) and name in plan.nodes:
                            results.append(result)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                _interrupt(free)
                raise
    return results


def _order(plan: Plan, beside: Beside | None) -> TopologicalSorter[str]:
    order = TopologicalSorter({name: node.waits_for for name, node in plan.nodes.items()})
    if beside:
        order.add(BESIDE)
        for name in plan.nodes.keys() & beside.awaited_by:
            order.add(name, BESIDE)
    return order


class _Free:
    """Connections that no node uses at the moment, and all that there are."""

    def __init__(self) -> None:
        self.all = [connect("transformer", autocommit=True, prepare_threshold=None) for _ in range(THREADS)]
        self.waiting: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        for connection in self.all:
            self.waiting.put(connection)


@contextmanager
def _connections() -> Iterator[_Free]:
    free = _Free()
    try:
        yield free
    finally:
        for connection in free.all:
            connection.close()


def _interrupt(free: _Free) -> None:
    for connection in free.all:
        connection.cancel_safe(timeout=5)


@contextmanager
def _session(free: _Free) -> Iterator[Connection]:
    """A connection that is as new, before and after."""
    connection = free.waiting.get()
    try:
        yield connection
        connection.execute("rollback")
        connection.execute("discard all")
    finally:
        free.waiting.put(connection)


def _start(plan: Plan, parameters: Mapping[str, Any], free: _Free) -> None:
    with _session(free) as connection, _told("operation.reverse_logistics.start"):
        for statement in plan.start:
            _send(connection, plan, statement, parameters, is_asked=False)


def _node(
    plan: Plan, name: str, parameters: Mapping[str, Any], warns_if: Mapping[str, str], free: _Free
) -> Result | None:
    node = plan.nodes[name]
    if node.result is None:
        return None
    told: psycopg.Cursor[Any] | None = None
    with _session(free) as connection, _told(name):
        began = time.perf_counter()
        # As dbt's driver does, once: what comes after the commit is a transaction of its own.
        connection.execute(BEGIN)
        for number, statement in enumerate(node.statements):
            is_main = number == node.main
            cursor = _send(connection, plan, statement, parameters, not (is_main and name in warns_if))
            if is_main:
                told = cursor
        outcome = _outcome(node, told, warns_if.get(name))
    compiled = node.result.get("compiled_code")
    return {
        **node.result,
        "compiled_code": compiled and plan.sql(compiled, connection.info.dbname, parameters),
        "execution_time": time.perf_counter() - began,
        "timing": [],
        **outcome,
    }


def _send(
    connection: Connection, plan: Plan, statement: Statement, parameters: Mapping[str, Any], is_asked: bool
) -> psycopg.Cursor[Any] | None:
    """Send a statement; raises NotAsPlanned where the answer on which the plan rests is another one."""
    is_open = connection.info.transaction_status != TransactionStatus.IDLE
    if not statement.sql or (statement.sql == BEGIN and is_open):
        return None
    database = connection.info.dbname
    cursor = connection.execute(plan.sql(statement.sql, database, parameters).encode())
    while cursor.nextset():
        pass
    if is_asked and statement.answer and answer(cursor.fetchall(), database) != statement.answer:
        raise NotAsPlanned(f"another answer than when dbt rendered: {statement.sql[:200]}")
    return cursor


def _outcome(node: Node, told: psycopg.Cursor[Any] | None, warns_if: str | None) -> Result:
    """What dbt's results say of how it went, which is well."""
    if told is None:
        return {}
    response = {"_message": told.statusmessage, "rows_affected": told.rowcount}
    if warns_if is None:
        return {"adapter_response": response, "message": told.statusmessage}
    row = told.fetchone()
    assert row is not None
    failures, warns, _fails = row
    said = f"Got {failures} result{'' if failures == 1 else 's'}, configured to warn if {warns_if}"
    return {
        "adapter_response": response,
        "status": "warn" if warns else "pass",
        "failures": failures if warns else 0,
        "message": said if warns else None,
    }


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise Stopped(what, error) from error
    except psycopg.Error as error:
        raise NotAsPlanned(f"{what}: {error}") from error
