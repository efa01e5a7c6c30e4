"""Who may do what in Airflow, asked of its own API with the FAB auth manager and the roles of docker/.

The API server runs on loopback over a metadata database of its own; nothing is scheduled.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from revlog.config.settings import ROOT
from revlog.local import airflow
from revlog.maintenance.migrate import create_airflow_database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NIGHTS = ("ingest_erp", "ingest_wms", "ingest_crm", "build_marts", "maintenance")
MAY_TRIGGER = {
    "viewer": (),
    "operator": NIGHTS,
    "finance": ("close_period",),
    "privacy": ("erase_customer",),
    "admin": (*NIGHTS, "close_period", "erase_customer"),
}
CONF = {
    "close_period": {"period": "2026-01", "approver": "C. Cash"},
    "erase_customer": {"customers": ["0123456789abcdef0123456789abcdef"], "reason": "asked for"},
}
START_SECONDS = 120
BIN = Path(sys.executable).parent


def _password(user: str) -> str:
    return f"{user}'s p@ss:w/rd%"


@pytest.fixture(scope="module")
def environment(database: Path) -> dict[str, str]:
    """Airflow as docker-compose.yml sets it up, as far as logins go: FAB, its tables, roles and users."""
    create_airflow_database()
    # Not the port of an Airflow that runs beside the tests.
    port = airflow._free_port(0)
    found = airflow.environment() | {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__AUTH_MANAGER": airflow.FAB_AUTH_MANAGER,
        "NIGHTLY_FROM": airflow.NEVER,
        **{f"AIRFLOW_{user.upper()}_PASSWORD": _password(user) for user in MAY_TRIGGER},
    }
    for command in (
        [f"{BIN}/airflow", "db", "migrate"],
        [sys.executable, "docker/airflow_logins.py"],
        [f"{BIN}/airflow", "dags", "reserialize"],
        # A second start finds its roles and users, and changes nothing.
        [sys.executable, "docker/airflow_logins.py"],
    ):
        done = subprocess.run(command, env=found, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        assert not any(_password(user) in done.stdout + done.stderr for user in MAY_TRIGGER)
    return found


@pytest.fixture(scope="module")
def clients(environment: dict[str, str]) -> Iterator[dict[str, httpx.Client]]:
    """A logged-in client a user."""
    log = airflow.home() / "api-server-fab.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [f"{BIN}/airflow", "api-server"], env=environment, cwd=ROOT, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        base = environment["AIRFLOW__API__BASE_URL"]
        _wait(f"{base}/api/v2/version", server, log)
        yield {user: _log_in(base, user) for user in MAY_TRIGGER}
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-3000:])


def _log_in(base: str, user: str) -> httpx.Client:
    login = {"username": user, "password": _password(user)}
    found = httpx.post(f"{base}/auth/token", json=login, timeout=60)
    assert found.status_code == 201, found.text
    token = found.json()["access_token"]
    return httpx.Client(base_url=f"{base}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _trigger(client: httpx.Client, dag: str) -> httpx.Response:
    key = {"partition_key": "2026-01-31"} if dag.startswith("ingest") else {}
    wanted: dict[str, Any] = {"logical_date": None, "conf": CONF.get(dag, {}), **key}
    return client.post(f"/dags/{dag}/dagRuns", json=wanted)


@pytest.mark.parametrize("user", MAY_TRIGGER)
def test_a_user_triggers_the_dags_of_their_work_and_no_other(
    user: str, clients: dict[str, httpx.Client]
) -> None:
    answers = {dag: _trigger(clients[user], dag) for dag in airflow.DAGS}
    told = {dag: f"{found.status_code} {found.text[:200]}" for dag, found in answers.items()}
    allowed = {dag for dag, found in answers.items() if found.status_code == 200}
    assert allowed == set(MAY_TRIGGER[user]), told
    assert {found.status_code for dag, found in answers.items() if dag not in allowed} <= {403}, told


def test_a_run_knows_who_triggered_it(clients: dict[str, httpx.Client]) -> None:
    runs = clients["viewer"].get("/dags/close_period/dagRuns").json()["dag_runs"]
    assert {run["triggering_user_name"] for run in runs} == {"finance", "admin"}


@pytest.mark.parametrize("user", MAY_TRIGGER)
def test_who_may_not_trigger_a_dag_can_neither_pause_nor_clear_nor_backfill_nor_delete_it(
    user: str, clients: dict[str, httpx.Client]
) -> None:
    client = clients[user]
    for dag in set(airflow.DAGS) - set(MAY_TRIGGER[user]):
        runs = clients["admin"].get(f"/dags/{dag}/dagRuns").json()["dag_runs"]
        run = f"/dags/{dag}/dagRuns/{runs[0]['dag_run_id']}"
        backfill = {"dag_id": dag, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
        answers = [
            client.patch(f"/dags/{dag}", json={"is_paused": True}),
            client.post(f"/dags/{dag}/clearTaskInstances", json={"dry_run": False}),
            client.post(f"{run}/clear", json={"dry_run": False}),
            client.patch(run, json={"state": "success"}),
            client.post("/backfills", json=backfill),
            client.delete(f"/dags/{dag}"),
            client.delete(run),
        ]
        assert [found.status_code for found in answers] == [403] * len(answers), (user, dag)


def test_an_operator_runs_a_night_again(clients: dict[str, httpx.Client]) -> None:
    client = clients["operator"]
    runs = client.get("/dags/build_marts/dagRuns").json()["dag_runs"]
    # Its deadline is ahead; without airflow_plugins/ Airflow 3.3 fails here.
    cleared = client.post(f"/dags/build_marts/dagRuns/{runs[0]['dag_run_id']}/clear", json={"dry_run": False})
    assert cleared.status_code == 200, cleared.text
    assert client.patch("/dags/ingest_erp", json={"is_paused": False}).status_code == 200


@pytest.mark.parametrize("user", ["viewer", "operator", "finance"])
def test_whose_customers_were_erased_is_not_everybodys_to_see(
    user: str, clients: dict[str, httpx.Client]
) -> None:
    client = clients[user]
    assert "erase_customer" not in {dag["dag_id"] for dag in client.get("/dags").json()["dags"]}
    assert client.get("/dags/erase_customer/dagRuns").status_code == 403
    everything = client.get("/dags/~/dagRuns", params={"limit": 100}).json()["dag_runs"]
    assert everything
    assert "erase_customer" not in {run["dag_id"] for run in everything}
    assert client.get("/eventLogs").status_code == 403


@pytest.mark.parametrize("user", MAY_TRIGGER)
def test_nobody_but_the_administrator_reaches_settings_connections_and_users(
    user: str, clients: dict[str, httpx.Client]
) -> None:
    client = clients[user]
    answers = [
        client.get("/connections"),
        client.get("/variables"),
        client.patch("/pools/default_pool", params={"update_mask": "slots"}, json={"slots": 128}),
        client.get(f"{_origin(client)}/auth/fab/v1/users"),
        client.get(f"{_origin(client)}/auth/fab/v1/roles"),
    ]
    wanted = 200 if user == "admin" else 403
    assert [found.status_code for found in answers] == [wanted] * len(answers)


def test_without_a_login_nothing_is_told(clients: dict[str, httpx.Client]) -> None:
    origin = _origin(clients["admin"])
    assert httpx.get(f"{origin}/api/v2/dags").status_code == 401
    wrong = {"username": "admin", "password": "wrong"}
    assert httpx.post(f"{origin}/auth/token", json=wrong).status_code == 401


def _origin(client: httpx.Client) -> str:
    return str(client.base_url).removesuffix("/api/v2/")
