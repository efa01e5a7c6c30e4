"""Stages of a night in processes of their own, to be killed, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from revlog.config.settings import ROOT, process_environment
from revlog.database.connections import connect

PATIENCE_SECONDS = 600.0


def start(statement: str) -> subprocess.Popen[str]:
    """Run Python with `stages` imported in a new process group."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from revlog.night import stages; {statement}"],
        cwd=ROOT, env=process_environment(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(statement: str) -> str:
    """Run to the end; fails with what the process printed where it ends with an error."""
    process = start(statement)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    return output


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9 of the one process that was started; what it started has to end by itself."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)


def killed_while_waiting_for(table: str, statement: str) -> None:
    """Run `statement` until it waits for a lock on `table`, then kill it; returns when the server has
    let go of it. The lock stands where a slow statement would."""
    with connect("admin") as holder:
        holder.execute(f"lock table {table} in access exclusive mode")
        process = start(statement)
        wait_until(lambda: _waiting() or _ended(process), f"{statement} waits for {table}")
        assert process.poll() is None, process.communicate()[0]
        kill(process)
        # The statement must end while it still can't go on: else it would commit after its client died.
        wait_until(lambda: not _waiting(), "the server has ended the statement of the killed client")
        holder.rollback()
    wait_until(lambda: not _sessions(), "the sessions of the killed client are closed")


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look ten times a second; fails after PATIENCE_SECONDS, saying what was waited for."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)


def _ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None


def _waiting() -> int:
    return _count("wait_event_type = 'Lock'")


def _sessions() -> int:
    return _count("usename in ('loader', 'transformer', 'publisher')")


def _count(condition: str) -> int:
    with connect("admin") as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            f" and pid <> pg_backend_pid() and {condition}"
        ).fetchone()
    return int(row[0]) if row else 0
