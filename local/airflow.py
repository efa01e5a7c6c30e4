"""Airflow's processes on loopback: settings, start, stop, and the few questions `make run` asks.

Metadata live in a database of their own beside the warehouse. Keys and passwords are generated.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from warehouse.connections import dsn
from warehouse.secrets import secret
from warehouse.settings import ROOT, process_environment, settings

# Without the log servers: they would listen on all interfaces, and the logs are on this machine.
PROCESSES = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
DAGS = ("ingest_erp", "ingest_wms", "ingest_crm", "build_marts", "maintenance")
POOL, POOL_SLOTS = "warehouse_writes", "4"
START_SECONDS = 120
BACKFILL_SECONDS = 120


class AirflowError(RuntimeError):
    """Airflow did not do what it was asked; the message says what to look at."""


def home() -> Path:
    """Airflow's folder: logs, process ids, generated password."""
    found = settings().var / "airflow"
    found.mkdir(parents=True, exist_ok=True)
    return found


def environment() -> dict[str, str]:
    """Environment of every Airflow process."""
    port = api_port()
    fernet = base64.urlsafe_b64encode(hashlib.sha256(secret("airflow_fernet").encode()).digest())
    return process_environment() | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "AIRFLOW_HOME": str(home()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__FERNET_KEY": fernet.decode(),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords()),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _metadata_url("postgresql+psycopg2"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secret("airflow_api"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret("airflow_jwt") * 2,
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        # A scheduler that was killed leaves tasks behind; its successor takes them over soon.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home() / "logs"),
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
    }


def api_port() -> int:
    """Port of the UI and API on 127.0.0.1; chosen once."""
    file = home() / "port"
    if not file.exists():
        file.write_text(str(_free_port(8080)))
    return int(file.read_text())


def prepare() -> None:
    """Create and migrate the metadata database, parse the DAGs, set the pool up."""
    _create_metadata_database()
    stamp = home() / "prepared"
    mark = _fingerprint()
    if stamp.exists() and stamp.read_text() == mark:
        return
    command("db", "migrate")
    command("pools", "set", POOL, POOL_SLOTS, "writers of the warehouse")
    command("dags", "reserialize")
    stamp.write_text(mark)


def command(*arguments: str) -> str:
    """Run one `airflow` command; raises AirflowError with its last lines."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "airflow"), *arguments],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise AirflowError(f"airflow {' '.join(arguments)} failed:\n{tail}")
    return done.stdout


def start(nightly: bool) -> None:
    """Start the processes that don't run yet and wait until the API answers.

    With `nightly` the DAGs' schedules are on; without, only what is asked for runs.
    """
    running = _running()
    for name in PROCESSES:
        if name not in running:
            _end_orphans(name)
            running[name] = _spawn(name, nightly)
    _pids().write_text(json.dumps(running))
    _wait_for_api()


def stop() -> None:
    """Stop the processes that `start` started, and their children."""
    running = _running()
    for name in stopped():
        _end_orphans(name)
    for pid in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while running and time.monotonic() < deadline:
        running = {n: p for n, p in running.items() if _is_alive(p)}
        time.sleep(0.2)
    for pid in running.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _pids().unlink(missing_ok=True)


def stopped() -> list[str]:
    """Processes that were started and live no more."""
    known = json.loads(_pids().read_text()) if _pids().exists() else {}
    return [name for name in known if name not in _running()]


def is_running() -> bool:
    """True while every process lives."""
    return set(_running()) == set(PROCESSES)


class Api:
    """The few questions asked of Airflow's REST API."""

    def __init__(self) -> None:
        self.base = f"http://127.0.0.1:{api_port()}"
        login = {"username": "admin", "password": admin_password()}
        found = httpx.post(f"{self.base}/auth/token", json=login, timeout=30)
        found.raise_for_status()
        headers = {"Authorization": f"Bearer {found.json()['access_token']}"}
        self.client = httpx.Client(base_url=f"{self.base}/api/v2", headers=headers, timeout=30)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """GET one resource as a dictionary."""
        answer = self.client.get(path, params=parameters)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def unpause(self, dag: str, paused: bool = False) -> None:
        """Turn a DAG's schedule on, or off."""
        self.client.patch(f"/dags/{dag}", json={"is_paused": paused}).raise_for_status()

    def backfill(self, dag: str, first: str, last: str) -> None:
        """Run the partitions `first` to `last` (business dates); those that went well stay."""
        wanted = {
            "dag_id": dag,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T23:59:59Z",
            "reprocess_behavior": "failed",
            "max_active_runs": 1,  # a backfill's own limit, it would override the DAG's
            "dag_run_conf": {},
        }
        deadline = time.monotonic() + BACKFILL_SECONDS
        answer = self.client.post("/backfills", json=wanted)
        # A DAG has one backfill at a time, and the scheduler closes a finished one only now and then.
        while answer.status_code == httpx.codes.CONFLICT and time.monotonic() < deadline:
            time.sleep(1)
            answer = self.client.post("/backfills", json=wanted)
        if answer.is_error:
            raise AirflowError(f"backfill of {dag} for {first} to {last}: {answer.text[:500]}")

    def run_again(self, dag: str, run_id: str) -> None:
        """Run all tasks of a run once more."""
        wanted = {"dry_run": False, "only_failed": False}
        self.client.post(f"/dags/{dag}/dagRuns/{run_id}/clear", json=wanted).raise_for_status()

    def forget(self, dag: str, run_id: str) -> None:
        """Remove a run from Airflow's books; what its tasks wrote stays."""
        self.client.delete(f"/dags/{dag}/dagRuns/{run_id}").raise_for_status()

    def runs(self, dag: str, date: str) -> list[dict[str, Any]]:
        """Runs of a DAG for one partition, newest first."""
        found = self.get(f"/dags/{dag}/dagRuns", limit=100, order_by="-id")["dag_runs"]
        return [r for r in found if r.get("partition_key") == date]

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run."""
        path = f"/dags/{dag}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = self.get(path, limit=200)["task_instances"]
        return found


def admin_password() -> str:
    """Password of the user `admin`, generated with the first start."""
    passwords: dict[str, str] = json.loads(_passwords().read_text())
    return passwords["admin"]


def _passwords() -> Path:
    path = home() / "passwords.json"
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"admin": secret("airflow_admin")}, file)
    return path


def _pids() -> Path:
    return home() / "pids.json"


def _running() -> dict[str, int]:
    if not _pids().exists():
        return {}
    known: dict[str, int] = json.loads(_pids().read_text())
    return {name: pid for name, pid in known.items() if _is_alive(pid)}


def _end_orphans(name: str) -> None:
    """End what a killed process left in its group: its workers would go on without it."""
    group = json.loads(_pids().read_text()).get(name) if _pids().exists() else None
    for found in Path("/proc").glob("[0-9]*"):
        pid = int(found.name)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if group and os.getpgid(pid) == group and _is_alive(pid):
                os.kill(pid, signal.SIGKILL)


def _is_alive(pid: int) -> bool:
    """True where `pid` is one of our Airflow processes and no zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"airflow" in text


def _spawn(name: str, nightly: bool) -> int:
    log = home() / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "airflow"), name, *PROCESSES[name]],
            env=environment() | {"NIGHTLY_SCHEDULE": "on" if nightly else "off"},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process.pid


def _wait_for_api() -> None:
    deadline = time.monotonic() + START_SECONDS
    url = f"http://127.0.0.1:{api_port()}/api/v2/version"
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        if "api-server" not in _running():
            break
        time.sleep(0.5)
    tail = "\n".join((home() / "api-server.log").read_text().splitlines()[-15:])
    raise AirflowError(f"Airflow's API did not come up; {home() / 'api-server.log'} ends:\n{tail}")


def _create_metadata_database() -> None:
    password = secret("airflow")
    with psycopg.connect(dsn("admin", database="postgres"), autocommit=True) as connection:
        role = connection.execute("select 1 from pg_roles where rolname = 'airflow'").fetchone()
        verb = sql.SQL("alter" if role else "create")
        connection.execute(sql.SQL("{} role airflow login password {}").format(verb, sql.Literal(password)))
        found = connection.execute("select 1 from pg_database where datname = 'airflow'")
        if found.fetchone() is None:
            connection.execute("grant airflow to current_user")
            connection.execute("create database airflow owner airflow")


def _metadata_url(scheme: str) -> str:
    admin = psycopg.conninfo.conninfo_to_dict(dsn("admin", database="airflow"))
    return f"{scheme}://airflow:{secret('airflow')}@{admin['host']}:{admin['port']}/airflow"


def _fingerprint() -> str:
    """Changes where DAGs, environment or metadata database do."""
    parts: list[str | bytes] = [_metadata_url("x"), (ROOT / "requirements.lock").read_bytes()]
    parts += [path.read_bytes() for path in sorted((ROOT / "dags").glob("*.py"))]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
