"""`make up` and `make down`: what they say, what they open, and what they leave behind.

The tests build on each other in the order of the file.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner, Result

from local import airflow
from local.__main__ import app
from warehouse import server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def _own_airflow(database: Path) -> Iterator[None]:
    """The module's own database; whatever happens, nothing stays."""
    yield
    airflow.stop()


def _call(command: str) -> Result:
    return CliRunner().invoke(app, [command])


def _ours() -> list[psutil.Process]:
    return [process for _, process in airflow._ours()]


def test_up_says_where_airflow_is_how_to_log_in_and_when_the_next_night_is() -> None:
    done = _call("up")
    assert done.exit_code == 0, done.output
    assert f"http://127.0.0.1:{airflow.api_port()}" in done.output
    assert str(airflow.home() / "passwords.json") in done.output
    today = dt.datetime.now(dt.UTC).date()
    assert f"the next is {today}, at {today + dt.timedelta(days=1)} 01:30 UTC" in done.output


def test_who_knows_the_password_gets_in_and_nobody_else() -> None:
    url = f"http://127.0.0.1:{airflow.api_port()}"
    wrong = {"username": "admin", "password": "admin"}
    assert httpx.post(f"{url}/auth/token", json=wrong).status_code == 401
    assert httpx.get(f"{url}/api/v2/dags").status_code == 401
    assert airflow.Api().get("/dags")["total_entries"] == len(airflow.DAGS)


def test_schedules_are_on_and_no_night_of_the_past_runs_by_itself() -> None:
    api = airflow.Api()
    assert not any(dag["is_paused"] for dag in api.get("/dags")["dags"])
    time.sleep(5)  # the scheduler looks twice a second
    for dag in airflow.DAGS:
        runs = api.get(f"/dags/{dag}/dagRuns", limit=100)["dag_runs"]
        assert [run["dag_run_id"] for run in runs if run["run_type"] == "scheduled"] == []


def test_a_second_up_says_that_it_runs_already() -> None:
    before = {process.pid for process in airflow._running().values()}
    done = _call("up")
    assert done.exit_code == 0
    assert "runs already" in done.output
    assert {process.pid for process in airflow._running().values()} == before


def test_everything_listens_on_loopback_only() -> None:
    listening = set()
    for process in [*_ours(), *_server()]:
        with contextlib.suppress(psutil.Error):
            found = process.net_connections("inet")
            listening |= {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_after_everything_was_killed_up_works_again_on_the_same_port() -> None:
    port = airflow.api_port()
    for process in [*_ours(), *_server()]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    done = _call("up")
    assert done.exit_code == 0, done.output
    assert f"http://127.0.0.1:{port}" in done.output
    assert airflow.is_running()


def _server() -> list[psutil.Process]:
    postmaster = psutil.Process(int((server._data() / "postmaster.pid").read_text().split()[0]))
    return [*postmaster.children(), postmaster]


def test_down_ends_orphans_too_and_leaves_nothing() -> None:
    airflow._running()["scheduler"].kill()
    done = _call("down")
    assert done.exit_code == 0
    assert "PostgreSQL" in done.output
    assert _ours() == []
    assert not server.is_running()
    assert "Nothing was running" in _call("down").output
    server.start()  # for the modules to come
