"""Airflow's processes on loopback: settings, start, stop, and the few questions `make run` asks.

Metadata live in a database of their own beside the warehouse. Keys and passwords are generated.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import sqlalchemy as sa
from psycopg import sql

from revlog.builds import clock
from revlog.config.redaction import STORAGE_SECRETS, environment_without_secrets, without_secrets
from revlog.config.secrets import secret
from revlog.config.settings import ROOT, settings, variable
from revlog.database.connections import AIRFLOW, STAGE_ROLES, address, dsn
from revlog.maintenance.migrate import create_airflow_database
from revlog.outputs.files import own_folder

# Arguments of `airflow` by process. Without the log servers: they would listen on all interfaces, and logs
# are on this machine. The scheduler last: a task that it starts before the API answers fails.
PROCESSES = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
}
LOCAL, CELERY = "LocalExecutor", "CeleryExecutor"
QUEUES, WORKER = "default,ingest,build", "worker-"
DAGS = (
    "ingest_erp", "ingest_wms", "ingest_crm", "build_marts", "maintenance", "close_period", "erase_customer",
)  # fmt: skip
POOL, POOL_SLOTS = "warehouse_writes", "4"
PORT, ANY_PORT = 8080, 0
START_SECONDS = 120
BACKFILL_SECONDS = 120
# A task that runs when Airflow is stopped may end within this time; what doesn't is taken over later.
STOP_SECONDS = 20
# Marks every process that was started here and all that descend from it, whoever has died in between.
MARK, NAME = "REVLOG_AIRFLOW_HOME", "REVLOG_AIRFLOW_PROCESS"
# `make up` or `make run`: who started them.
STARTED_BY, UP, RUN = "REVLOG_AIRFLOW_STARTED_BY", "up", "run"
NEVER = "never"
# What docker-compose.yml names; on loopback, where only who is on the machine gets, SimpleAuthManager does.
FAB_AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
HEALTH = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class AirflowError(RuntimeError):
    """Airflow did not do what it was asked; the message says what to look at."""


def executor() -> str:
    """LocalExecutor, which runs tasks in the scheduler's processes, or CeleryExecutor, which has workers."""
    found = variable("AIRFLOW_EXECUTOR", LOCAL)
    if found not in (LOCAL, CELERY):
        raise AirflowError(f"AIRFLOW_EXECUTOR={found!r} is neither {LOCAL} nor {CELERY}")
    return found


def processes() -> dict[str, tuple[str, ...]]:
    """Arguments of `airflow` by process; AIRFLOW_WORKERS workers where the executor has any."""
    if executor() != CELERY:
        return PROCESSES
    worker = ("celery", "worker", "--skip-serve-logs", "--queues", QUEUES, "--celery-hostname")
    names = [f"{WORKER}{n}" for n in range(1, int(variable("AIRFLOW_WORKERS", "1")) + 1)]
    return {name: (*worker, f"{name}@%h") for name in names} | PROCESSES


def home() -> Path:
    """Airflow's folder: logs, process ids, generated password."""
    return own_folder(settings().var / "airflow")


def environment() -> dict[str, str]:
    """Environment of every Airflow process: without the administrator's login, and readers' passwords."""
    port = api_port()
    fernet = base64.urlsafe_b64encode(hashlib.sha256(secret("airflow_fernet").encode()).digest())
    found = _inherited() | _of_workers()
    return found | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "AIRFLOW_HOME": str(home()),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "airflow_plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": executor(),
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
        # A task that has ended reads and sends its lineage; after 20 seconds Airflow would end it for good.
        "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": "600",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home() / "logs"),
        "GX_ANALYTICS_ENABLED": "False",
        # Empty, as usual, is off.
        "AIRFLOW__OPENLINEAGE__TRANSPORT": variable("OPENLINEAGE_TRANSPORT"),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": variable("OPENLINEAGE_NAMESPACE", "reverse-logistics"),
        "DO_NOT_TRACK": "1",
        # Airflow gives its processes titles; without this they would lose their MARK over it.
        "SPT_NOENV": "1",
        # DAG files read no file, so what `.env` says has to come this way.
        "NIGHT_DEADLINE_MINUTES": variable("NIGHT_DEADLINE_MINUTES"),
        # One company to the end, whichever one a command beside it brings meanwhile.
        "COMPANY": settings().company,
        "LANDING_URL": settings().landing_url,
    }


def _of_workers() -> dict[str, str]:
    if executor() != CELERY:
        return {}
    if not (broker := variable("AIRFLOW_BROKER_URL")):
        raise AirflowError(
            f"AIRFLOW_EXECUTOR={CELERY} wants AIRFLOW_BROKER_URL, such as redis://127.0.0.1:6379/0"
        )
    return {
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{_metadata_url('postgresql+psycopg2')}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
    }


def _inherited() -> dict[str, str]:
    needed = [f"REVLOG_PASSWORD_{role.upper()}" for role in STAGE_ROLES]
    needed += ["REVLOG_SECRET_CUSTOMER_KEY", "NOTIFY_URL", "NOTIFY_SMTP_PASSWORD", "NOTIFY_CONNECTION"]
    needed += STORAGE_SECRETS
    found = environment_without_secrets(*needed)
    return found | ({"WAREHOUSE_DSN": address()} if settings().warehouse_dsn else {})


def api_port() -> int:
    """Port of the UI and API on 127.0.0.1; kept from start to start."""
    file = home() / "port"
    if not file.exists():
        file.write_text(str(_free_port(PORT)))
    return int(file.read_text())


def first_night() -> str:
    """Business date of the first night that runs by itself: NIGHTLY_FROM, else the day of the first call."""
    file = home() / "nightly_from"
    if given := variable("NIGHTLY_FROM"):
        return _checked(given)
    if not file.exists():
        file.write_text(clock.today().isoformat())
    return file.read_text()


def _checked(given: str) -> str:
    with contextlib.suppress(ValueError):
        if given == NEVER or dt.date.fromisoformat(given).isoformat() == given:
            return given
    raise AirflowError(f"NIGHTLY_FROM={given!r} is no date: write it as 2026-02-01, or `{NEVER}`")


def prepare(nightly: bool = False) -> None:
    """Create and migrate the metadata database, parse the DAGs, set the pool up."""
    create_airflow_database()
    nights = _nights(nightly)
    mark = _fingerprint(nights)
    if _prepared() == mark:
        return
    command("db", "migrate")
    command("pools", "set", POOL, POOL_SLOTS, "writers of the warehouse")
    # So that no schedule of an earlier start is still in force.
    command("dags", "reserialize", **nights)
    _set_prepared(mark)


def command(*arguments: str, **variables: str) -> str:
    """Run one `airflow` command; raises AirflowError with its last lines."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "airflow"), *arguments],
        env=environment() | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise AirflowError(f"airflow {' '.join(arguments)} failed:\n{without_secrets(tail)}")
    return done.stdout


def start(nightly: bool) -> None:
    """Start the processes that don't run yet and wait until the API answers.

    With `nightly` the DAGs' schedules are on; without, only what is asked for runs.
    """
    with _locked():
        running = _running()
        _end([process for name, process in _ours() if name not in running])
        if running:
            _start_missing(nightly)
            return
        _settle_port(PORT)
        for last in (False, False, True):
            try:
                _start_missing(nightly)
                return
            except _PortTaken:  # by one who found it free in the same moment
                _end([process for _, process in _ours()])
                if last:
                    raise
                _settle_port(ANY_PORT)


def _start_missing(nightly: bool) -> None:
    running = _running()
    for name in processes():
        if name not in running:
            if name == "scheduler":
                _wait_for_api()
            _spawn(name, _nights(nightly) | {STARTED_BY: UP if nightly else RUN})
    _wait_for_api()


def wait_until_healthy() -> None:
    """Wait until every process reports to the API that it works."""
    deadline = time.monotonic() + START_SECONDS
    url = f"http://127.0.0.1:{api_port()}/api/v2/monitor/health"
    found: dict[str, Any] = {}
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            found = httpx.get(url, timeout=5).json()
            if all(found.get(name, {}).get("status") == "healthy" for name in HEALTH):
                return
        time.sleep(0.5)
    bad = [name for name in HEALTH if found.get(name, {}).get("status") != "healthy"]
    raise AirflowError(f"Airflow is not healthy: {', '.join(bad)}; see the logs in {home()}")


def stop() -> list[str]:
    """Stop what `start` started, with all that descends from it; returns the names of what ran."""
    with _locked():
        found = sorted({name for name, _ in _ours()})
        running = _running()
        # The scheduler first, then workers: they wait for their tasks, which report to the API server.
        workers = [name for name in running if name.startswith(WORKER)]
        for names in (["scheduler"], workers, list(PROCESSES)):
            leaders = [running[name] for name in names if name in running]
            _end(leaders, patience=STOP_SECONDS)
        _end([process for _, process in _ours()])
        return found


def stopped() -> list[str]:
    """Processes that live no more and without which nothing goes on: of several workers one is enough."""
    running = _running()
    gone = [name for name in processes() if name not in running]
    if any(name.startswith(WORKER) for name in running):
        gone = [name for name in gone if not name.startswith(WORKER)]
    return gone


def is_running() -> bool:
    """True while nothing that is needed has stopped."""
    return not stopped()


def runs_nightly() -> bool:
    """True where `make up` started the scheduler that runs; its schedules are off only by NIGHTLY_FROM."""
    return _of_scheduler(STARTED_BY) == UP


def serves() -> str | None:
    """Company that the scheduler which runs was started for; None where none runs."""
    return _of_scheduler("COMPANY")


def _of_scheduler(variable: str) -> str | None:
    scheduler = _running().get("scheduler")
    return scheduler.environ().get(variable) if scheduler is not None else None


def refuse_another_than(company: str) -> None:
    """Raise AirflowError where Airflow runs for another company."""
    if (other := serves()) not in (None, company):
        raise AirflowError(f"Airflow runs for {other}, not for {company}; stop it first: make down")


class _PortTaken(AirflowError):
    """Somebody else listens on the port that was free a moment ago."""


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


def _nights(nightly: bool) -> dict[str, str]:
    return {"NIGHTLY_FROM": first_night() if nightly else NEVER}


def _ours() -> list[tuple[str, psutil.Process]]:
    """Every living process that carries our MARK, by the name of the one it descends from."""
    found = []
    for process in psutil.process_iter():
        # Other users' processes don't show their environment, and those that ended have none.
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
            if variables.get(MARK) == str(home()):
                found.append((variables[NAME], process))
    return found


def _running() -> dict[str, psutil.Process]:
    """The processes that `start` started itself: each leads a session, and its parent is not ours."""
    ours = _ours()
    pids = {process.pid for _, process in ours}
    found = {}
    for name, process in ours:
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == process.pid and process.ppid() not in pids:
                found[name] = process
    return found


def _end(processes: list[psutil.Process], patience: float = 0) -> None:
    """End processes: politely where there is `patience` (seconds), then for sure."""
    if patience:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, processes = psutil.wait_procs(processes, timeout=patience)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One starter or stopper at a time."""
    with (home() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _spawn(name: str, variables: dict[str, str]) -> None:
    log = home() / f"{name}.log"
    with log.open("ab") as output:
        subprocess.Popen(
            [str(Path(sys.executable).parent / "airflow"), *processes()[name]],
            env=environment() | variables | {MARK: str(home()), NAME: name},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _listens(port: int) -> bool:
    """True where a process of ours has the port."""
    for _, process in _ours():
        with contextlib.suppress(psutil.Error, OSError):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return True
    return False


def _wait_for_api() -> None:
    """Wait until the API answers, and is ours: another's would answer as well."""
    deadline = time.monotonic() + START_SECONDS
    url = f"http://127.0.0.1:{api_port()}/api/v2/version"
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if _listens(api_port()) and httpx.get(url, timeout=5).status_code == 200:
                return
        if "api-server" not in _running():
            if _free_port(api_port()) != api_port():
                raise _PortTaken(f"port {api_port()} on 127.0.0.1 was taken meanwhile; start again")
            break
        time.sleep(0.5)
    tail = "\n".join((home() / "api-server.log").read_text().splitlines()[-15:])
    raise AirflowError(f"Airflow's API did not come up; {home() / 'api-server.log'} ends:\n{tail}")


def _metadata_url(driver: str) -> str:
    """The warehouse's own server and options, with Airflow's role and database."""
    url = sa.make_url(dsn(AIRFLOW, database=AIRFLOW)).set(drivername=driver)
    return url.render_as_string(hide_password=False)


def _prepared() -> str | None:
    """The mark of the last preparation, kept with the database that it prepared."""
    with psycopg.connect(dsn("admin", database="airflow")) as connection:
        found = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = 'airflow'"
        ).fetchone()
    return found[0] if found else None


def _set_prepared(mark: str) -> None:
    with psycopg.connect(dsn("admin", database="airflow")) as connection:
        connection.execute(sql.SQL("comment on database airflow is {}").format(sql.Literal(mark)))


def _fingerprint(nights: dict[str, str]) -> str:
    """Changes where DAGs, environment or schedule do."""
    parts: list[str | bytes] = [str(nights), variable("NIGHT_DEADLINE_MINUTES"), executor()]
    parts += [(ROOT / "requirements.lock").read_bytes()]
    parts += [path.read_bytes() for path in sorted((ROOT / "dags").glob("*.py"))]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part)
    return digest.hexdigest()


def _settle_port(wanted: int) -> None:
    """Choose another port, the wanted one if it is free, where somebody else listens on ours by now."""
    if _free_port(api_port()) != api_port():
        (home() / "port").write_text(str(_free_port(wanted)))


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        # Connections that have just ended don't count: the server itself does not mind them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
