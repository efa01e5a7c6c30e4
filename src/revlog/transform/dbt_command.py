"""The command `dbt`, whose threads keep their connections: `python -m revlog.transform.dbt_command build …`.

With `serve` it takes commands of a night one after the other (kept_dbt.py): imported and parsed once for all.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from dbt.adapters.contracts.connection import ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import cli, dbtRunner
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager

from revlog.transform import recording
from revlog.transform.kept_dbt import die_with_parent

DETAILS = (EventLevel.DEBUG, EventLevel.TEST)


def keep_connections() -> None:
    """Let a thread of dbt go on with its connection from node to node; dbt opens one for each node.

    Between two nodes it is as if new (`discard all`). One that is broken is closed, and the next node gets
    another.
    """
    close = PostgresConnectionManager.release

    def release(self: Any) -> None:
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN or not _is_as_new(connection):
            close(self)

    PostgresConnectionManager.release = release  # type: ignore[method-assign]


def _is_as_new(connection: Any) -> bool:
    """Roll back and forget all that a session keeps; False where the connection is broken."""
    session = connection.handle
    try:
        session.rollback()
        session.autocommit = True  # "discard all" runs in no transaction
        with session.cursor() as cursor:
            cursor.execute("discard all")
        session.autocommit = False
    except session.Error:
        return False
    connection.transaction_open = False
    return True


def serve() -> None:
    """Run each line of standard input, a command as JSON, in a fork of its own; answer with its exit code.

    The first line is the command that parses the project. Where that fails nothing is answered.
    """
    answers = os.fdopen(os.dup(1), "w")
    first = json.loads(sys.stdin.readline())
    _say_into(first)
    parsed = dbtRunner().invoke(first["arguments"])
    if not parsed.success:
        return
    gc.freeze()
    recorder = recording.listen()
    _answer(answers, 0)
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            # No exit handlers: they are the parent's.
            os._exit(_run(command, parsed.result, recorder))
        _answer(answers, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _run(command: dict[str, Any], manifest: Any, recorder: recording.Recorder) -> int:
    die_with_parent()
    _say_into(command)
    # dbt would write the manifest again, too, which takes as long as some twenty models.
    done = dbtRunner(manifest=manifest).invoke([*command["arguments"], "--no-write-json"])
    if isinstance(done.result, RunExecutionResult):
        target = Path(os.environ["DBT_TARGET_PATH"])
        done.result.write(str(target / "run_results.json"))
        recording.keep(recorder, target)
    if done.exception:
        print(done.exception, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    return 0 if done.success else 2 if done.exception else 1


def _say_into(command: dict[str, Any]) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        with Path(command[name]).open("wb") as file:
            os.dup2(file.fileno(), number)


def _answer(answers: IO[str], code: int) -> None:
    # Nobody listens any more: the loop ends with the input.
    with contextlib.suppress(BrokenPipeError):
        print(code, file=answers, flush=True)


def tell_only_what_is_heard() -> None:
    """Let dbt make no message of a detail that no log takes: it makes some forty a node, to drop them."""
    fire = EventManager.fire_event

    def fire_what_is_heard(
        self: EventManager, e: BaseEvent, level: EventLevel | None = None, *more: Any, **named: Any
    ) -> None:
        if (level or e.level_tag()) not in DETAILS or any(log.level in DETAILS for log in self.loggers):
            fire(self, e, level, *more, **named)

    EventManager.fire_event = fire_what_is_heard  # type: ignore[method-assign]


def collect_seldom() -> None:
    """Look for garbage seldom: what dbt parses is large and stays, and each look goes through all of it.

    Parsing takes a quarter less of CPU.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


if __name__ == "__main__":
    keep_connections()
    tell_only_what_is_heard()
    collect_seldom()
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        recorder = recording.listen()
        try:
            cli()
        finally:
            recording.keep(recorder, Path(os.environ["DBT_TARGET_PATH"]))
