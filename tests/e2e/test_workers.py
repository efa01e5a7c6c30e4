"""A night on two Celery workers, one of which dies in the middle of a task.

Redis is Debian's (`apt-get install redis-server`); without it there is no broker, and the tests are skipped.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from revlog.config.settings import ROOT, process_environment, settings
from revlog.database.connections import connect
from revlog.local import airflow
from revlog.local.run import run_night

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

HISTORY = dt.date(2026, 1, 31)
NIGHT = HISTORY + dt.timedelta(days=1)
WORKERS = ("worker-1", "worker-2")
# From the night's start until a task of the build runs.
BUILD_SECONDS = 240


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis of the module's own, which keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no Redis: apt-get install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no",
         "--dir", str(tmp_path_factory.mktemp("redis"))],
        stdout=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


@pytest.fixture(scope="module")
def api(database: Path, broker: str) -> Iterator[airflow.Api]:
    """Airflow with two workers on the exports of a company of 800 order lines: a history and a night."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "800", "--seed", "15",
            "--out", str(database), "--truth", str(settings().var / "truth_workers"),
            "--start", "2025-01-01", "--history-end", HISTORY.isoformat(), "--nights", "1", "--dirt", "0",
        ],
        cwd=ROOT, env=process_environment(), check=True, capture_output=True,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_EXECUTOR", airflow.CELERY)
        patch.setenv("AIRFLOW_BROKER_URL", broker)
        patch.setenv("AIRFLOW_WORKERS", str(len(WORKERS)))
        airflow.prepare()
        try:
            airflow.start(nightly=False)
            yield airflow.Api()
        finally:
            airflow.stop()


def _rows(statement: str, *values: Any, role: str = "auditor") -> list[Any]:
    with connect(role) as connection:
        return connection.execute(statement, values).fetchall()


def _tasks(api: airflow.Api, dag: str, date: dt.date) -> list[dict[str, Any]]:
    return [task for run in api.runs(dag, str(date)) for task in api.tasks(dag, run["dag_run_id"])]


def _took(worker: str, dag: str) -> list[tuple[str, int]]:
    """Tasks of a DAG that a worker took, and which try it was."""
    log = (airflow.home() / f"{worker}.log").read_text()
    pattern = rf"Executing workload.*?dag_id={dag}/.*?/task_id=(\w+)/.*?attempt=(\d+)\.log"
    return [(task, int(attempt)) for task, attempt in re.findall(pattern, log)]


def _who_runs(pid: int) -> str:
    """The worker that a process descends from."""
    return next(name for name, process in airflow._ours() if process.pid == pid)


def _stage_runs() -> int | None:
    """A process that holds the night for a stage of the build, by the application that the server knows."""
    ports = "select client_port from pg_stat_activity where usename = 'transformer' and client_port > 0"
    for (port,) in _rows(ports, role="admin"):
        for _, process in airflow._ours():
            with contextlib.suppress(psutil.Error):
                if any(c.laddr.port == port for c in process.net_connections("tcp")):
                    return process.pid
    return None


def test_a_night_runs_on_both_workers(api: airflow.Api) -> None:
    run_night(api, HISTORY)
    assert _rows("select business_date from ops.publications") == [(HISTORY,)]
    tasks = [task for dag in ("ingest_erp", "ingest_wms", "ingest_crm", "build_marts")
             for task in _tasks(api, dag, HISTORY)]  # fmt: skip
    assert {task["state"] for task in tasks} <= {"success", "skipped"}
    for worker in WORKERS:
        assert _took(worker, "ingest_erp") and _took(worker, "build_marts")


def test_tasks_wait_where_their_workers_look(api: airflow.Api) -> None:
    """So that ingestion and builds can have machines of their own."""
    queues = {
        dag: {task["queue"] for task in _tasks(api, dag, HISTORY)} for dag in ("ingest_erp", "build_marts")
    }
    assert queues == {"ingest_erp": {"ingest"}, "build_marts": {"build"}}


def test_a_worker_that_dies_in_a_task_costs_a_night_nothing(api: airflow.Api) -> None:
    """Its machine is gone from one moment to the next; another worker takes the task over."""
    night = threading.Thread(target=run_night, args=(api, NIGHT), daemon=True)
    night.start()
    deadline = time.monotonic() + BUILD_SECONDS
    while (pid := _stage_runs()) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pid is not None, "no task of the build has come to the database"
    dead = _who_runs(pid)
    airflow._end([process for name, process in airflow._ours() if name == dead])
    night.join()
    assert [d for (d,) in _rows("select business_date from ops.publications order by 1")] == [HISTORY, NIGHT]
    (again,) = [task["task_id"] for task in _tasks(api, "build_marts", NIGHT) if task["try_number"] > 1]
    (other,) = set(WORKERS) - {dead}
    assert (again, 1) in _took(dead, "build_marts") and (again, 2) in _took(other, "build_marts")
    left = _rows("select count(*) from ops.publications where not domains @> '{marts,finance}'")
    assert left == [(0,)]
