"""Listen to dbt, and keep what it sends as a plan (plan.py)."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path
from typing import Any

from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.sql import SQLConnectionManager
from dbt.task.build import BuildTask
from dbt_common.events.contextvars import get_node_info

from revlog.transform.plan import BEGIN, COMMIT, Node, Plan, Statement, answer, write

# The parameters of a build differ night by night, and stand in what is sent as such.
PARAMETER_ASKED = re.compile(r"select \w+ from \S+\.\"builds\" order by build_id desc limit 1")


class Recorder:
    """Statements of one command of dbt, by node."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start: list[Statement] = []
        self._nodes: dict[str, list[Statement]] = {}
        self._waits_for: dict[str, set[str]] = {}
        self._last = threading.local()

    def sent(self, sql: str) -> None:
        """Keep a statement that this thread has sent."""
        name = get_node_info().get("unique_id")
        with self._lock:
            of = self._nodes.setdefault(name, []) if name else self._start
            self._last.at = (of, len(of))
            of.append(Statement(sql))

    def shaped(self) -> None:
        """Forget this thread's last statement: it asked for the columns of a query, which its text says."""
        of, number = self._last.at
        with self._lock:
            of[number] = Statement("")

    def answered(self, rows: list[Any], database: str) -> None:
        """Keep what this thread's last statement returned; a parameter of the build is not asked again."""
        of, number = self._last.at
        with self._lock:
            asked = of[number].sql
            of[number] = Statement("" if PARAMETER_ASKED.search(asked) else asked, answer(rows, database))

    def number(self) -> int:
        """Number of this thread's last statement among those of its node."""
        return int(self._last.at[1])

    @property
    def has_built(self) -> bool:
        """Whether the command was one that builds."""
        return bool(self._waits_for)

    def ordered(self, waits_for: dict[str, set[str]]) -> None:
        """Keep which node waits for which."""
        self._waits_for = waits_for

    def plan(self, database: str, results: list[dict[str, Any]]) -> Plan:
        """The plan of a command with these results (run_results.json)."""
        told = {result["unique_id"]: result for result in results}
        nodes = {}
        for name, parents in self._waits_for.items():
            main = (told.get(name, {}).get("adapter_response") or {}).get("query_id")
            nodes[name] = Node(
                tuple(sorted(parents)), tuple(self._nodes.get(name, ())), main and int(main), told.get(name)
            )
        # What stands in the database is asked in another way before a plan is taken (build.py).
        start = tuple(sent for sent in self._start if sent.answer is None and sent.sql not in (BEGIN, COMMIT))
        return Plan(database, start, nodes)


def listen() -> Recorder:
    """Let dbt's connections tell a recorder of all that they send from now on."""
    recorder = Recorder()
    send, execute = PostgresConnectionManager.add_query, PostgresConnectionManager.execute
    fetch = vars(SQLConnectionManager)["get_result_from_cursor"].__func__
    shape, order = PostgresConnectionManager.add_select_query, BuildTask.get_graph_queue

    def sending(self: Any, sql: str, *more: Any, **named: Any) -> Any:
        connection, cursor = send(self, sql, *more, **named)
        # As it went out, with the values of what was bound.
        recorder.sent(sql if sql == BEGIN else cursor.query.decode())
        return connection, cursor

    def fetching(cls: Any, cursor: Any, limit: int | None) -> Any:
        if cursor.description is None:
            return fetch(cls, cursor, limit)
        rows = cursor.fetchmany(limit) if limit else cursor.fetchall()
        recorder.answered(rows, cursor.connection.info.dbname)
        return fetch(cls, _Fetched(cursor.description, rows), limit)

    def executing(self: Any, *arguments: Any, **named: Any) -> Any:
        response, table = execute(self, *arguments, **named)
        response.query_id = str(recorder.number())
        return response, table

    def shaping(self: Any, sql: str) -> Any:
        asked = shape(self, sql)
        recorder.shaped()
        return asked

    def ordering(self: Any) -> Any:
        queue = order(self)
        recorder.ordered({node: set(queue.graph.predecessors(node)) for node in queue.graph})
        return queue

    PostgresConnectionManager.add_query = sending  # type: ignore[method-assign]
    PostgresConnectionManager.get_result_from_cursor = classmethod(fetching)  # type: ignore[assignment]
    PostgresConnectionManager.execute = executing  # type: ignore[method-assign]
    PostgresConnectionManager.add_select_query = shaping  # type: ignore[method-assign]
    BuildTask.get_graph_queue = ordering  # type: ignore[method-assign]
    return recorder


class _Fetched:
    """A cursor whose rows have been fetched."""

    def __init__(self, description: Any, rows: list[Any]) -> None:
        self.description, self._rows = description, rows

    def fetchall(self) -> list[Any]:
        return self._rows

    def fetchmany(self, _limit: int) -> list[Any]:
        return self._rows


def keep(recorder: Recorder, target: Path) -> None:
    """Write the plan of a command that has built beside its results."""
    results = target / "run_results.json"
    if recorder.has_built and results.exists():
        found = json.loads(results.read_text(encoding="utf-8"))["results"]
        write(recorder.plan(os.environ["DBT_DBNAME"], found), target / "plan.json")
