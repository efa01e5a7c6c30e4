"""Nights of a small simulated company through Airflow's own scheduler.

The tests build on each other in the order of the file, as nights do: the history, a night that is
held by a failed check, the same night mended, then three days by `airflow backfill create`.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revlog.config.settings import ROOT, process_environment, settings
from revlog.database.connections import connect
from revlog.local import airflow
from revlog.local.run import RunFailed, run_night
from revlog.night.notices import notices_file
from tests.batches import put_off

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

HISTORY = dt.date(2026, 1, 31)
HELD = HISTORY + dt.timedelta(days=1)
BACKFILL = [HELD + dt.timedelta(days=n) for n in (1, 2, 3)]
SOURCES = ("ingest_erp", "ingest_wms", "ingest_crm")
BROKEN_ROWS = 40
BACKFILL_SECONDS = 1200
# Far less than the build of a history takes.
DEADLINE_SECONDS = 20


@pytest.fixture(scope="module")
def company(database: Path) -> Path:
    """Landing zone with the exports of a company of 2,000 order lines: a history and four nights."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "2000", "--seed", "15",
            "--out", str(database), "--truth", str(settings().var / "truth_e2e"),
            "--start", "2025-01-01", "--history-end", HISTORY.isoformat(), "--nights", "4",
            "--dirt", "0",  # so that the rows broken below are the only bad ones
        ],
        cwd=ROOT, env=process_environment(), check=True, capture_output=True,
    )  # fmt: skip
    return database


@pytest.fixture(scope="module")
def api(company: Path) -> Iterator[airflow.Api]:
    """Airflow's processes on the module's database, schedules off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHT_DEADLINE_MINUTES", str(DEADLINE_SECONDS / 60))
        airflow.prepare()
        try:
            airflow.start(nightly=False)
            yield airflow.Api()
        finally:
            airflow.stop()


def _rows(statement: str, *values: Any) -> list[Any]:
    with connect("auditor") as connection:
        return connection.execute(statement, values).fetchall()


def _published() -> list[dt.date]:
    return [d for (d,) in _rows("select business_date from ops.publications order by 1")]


def _marts() -> list[Any]:
    return _rows("select * from marts.kpi_daily order by 1, 2, 3, 4, 5, 6, 7")


def _customers(landing: Path) -> Path:
    return landing / "crm" / f"crm_customers_{HELD:%Y%m%d}.csv"


def _break(path: Path) -> str:
    """Give BROKEN_ROWS rows an impossible date; returns what the file was."""
    good = path.read_bytes()
    lines = good.decode("utf-8-sig").splitlines()
    at = lines[0].split(",").index("created_at")
    for number in range(1, BROKEN_ROWS + 1):
        cells = lines[number].split(",")
        cells[at] = "2025-02-31 00:00:00"
        lines[number] = ",".join(cells)
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig", newline="")
    return good.decode("utf-8")


def test_a_night_ends_in_published_marts(api: airflow.Api) -> None:
    run_night(api, HISTORY)
    assert _published() == [HISTORY]
    kpis = {kpi for (kpi,) in _rows("select distinct kpi from marts.kpi_daily")}
    assert kpis >= {
        "product_return_rate", "cost_per_return", "return_cycle_time", "value_recovery_rate",
    }  # fmt: skip
    assert (settings().var / "reports" / "scorecard.html").exists()


def test_only_nights_that_were_asked_for_have_run(api: airflow.Api) -> None:
    for dag in (*SOURCES, "build_marts"):
        runs = api.get(f"/dags/{dag}/dagRuns")["dag_runs"]
        assert [run["partition_key"] for run in runs] == [HISTORY.isoformat()]


def test_a_late_night_is_told_once(api: airflow.Api) -> None:
    told = [json.loads(line) for line in notices_file().read_text().splitlines()]
    late = [n for n in told if n["kind"] == "late" and n["where"] == "build_marts"]
    assert [n["night"] for n in late] == [HISTORY.isoformat()]
    assert "has not finished in time: the run is running" in late[0]["message"]


def test_a_failed_check_publishes_nothing_and_names_check_rows_file_and_line(
    api: airflow.Api, company: Path, request: pytest.FixtureRequest
) -> None:
    before = _marts()
    good = _break(_customers(company))
    request.session.stash[_GOOD] = good
    with pytest.raises(RunFailed) as failed:
        run_night(api, HELD)
    message = str(failed.value)
    assert "build_marts.gate_landed" in message
    assert "quarantine_share" in message
    assert f"rows_quarantined={BROKEN_ROWS}" in message
    assert _customers(company).name in message
    assert "line=2" in message
    assert _published() == [HISTORY]
    assert _marts() == before
    assert notices_file().read_text().count("gate_landed") == 1, "told once, since never retried"


def test_a_batch_that_is_off_holds_back_finance_alone_and_the_dag_ends_as_failed(
    api: airflow.Api, company: Path, request: pytest.FixtureRequest
) -> None:
    _customers(company).write_text(request.session.stash[_GOOD], encoding="utf-8", newline="")
    request.session.stash[_SETTLEMENTS] = put_off(company, HELD)
    with pytest.raises(RunFailed) as failed:
        run_night(api, HELD)
    message = str(failed.value)
    assert "build_marts.complete" in message and "batches_net_to_their_payout" in message
    assert _standing() == {"marts": HELD, "finance": HISTORY}
    states = {t["task_id"]: t["state"] for t in api.tasks("build_marts", _last_run(api, HELD))}
    assert [task for task, state in states.items() if state == "failed"] == ["complete"]


def test_the_night_publishes_whole_once_its_files_are_mended(
    api: airflow.Api, company: Path, request: pytest.FixtureRequest
) -> None:
    file, good = request.session.stash[_SETTLEMENTS]
    file.write_bytes(good)
    run_night(api, HELD)
    assert _published() == [HISTORY, HELD, HELD]
    assert _standing() == {"marts": HELD, "finance": HELD}


def _standing() -> dict[str, dt.date]:
    return dict(_rows("select domain, business_date from ops.standing"))


def _last_run(api: airflow.Api, night: dt.date) -> str:
    return str(api.runs("build_marts", night.isoformat())[0]["dag_run_id"])


def test_a_backfill_cascades_to_the_marts_though_the_scheduler_is_killed_in_it(api: airflow.Api) -> None:
    for dag in SOURCES:
        airflow.command(
            "backfill", "create", "--dag-id", dag, "--max-active-runs", "1",
            "--from-date", BACKFILL[0].isoformat(),
            "--to-date", f"{BACKFILL[-1].isoformat()}T23:59:59+00:00",
        )  # fmt: skip
    _kill_the_scheduler_while_a_task_runs(api)
    deadline = time.monotonic() + BACKFILL_SECONDS
    ended: dict[str, str] = {}
    while time.monotonic() < deadline and len(ended) < len(BACKFILL):
        time.sleep(2)
        for run in api.get("/dags/build_marts/dagRuns", limit=100)["dag_runs"]:
            if run["state"] in ("success", "failed") and run["partition_key"] > HELD.isoformat():
                ended[run["partition_key"]] = run["state"]
    assert ended == {date.isoformat(): "success" for date in BACKFILL}
    assert set(_published()) == {HISTORY, HELD, *BACKFILL}
    assert _rows("select max(business_date) from marts.kpi_daily") == [(BACKFILL[-1],)]


def test_a_source_without_feeds_has_landed_all_the_same(api: airflow.Api) -> None:
    """A company without a CRM, an ERP or a WMS builds its nights as well: here without any of them."""
    night = (BACKFILL[-1] + dt.timedelta(days=1)).isoformat()
    for dag in (*SOURCES, "build_marts"):
        api.unpause(dag)
    for dag in SOURCES:
        airflow.command(
            "backfill", "create", "--dag-id", dag, "--from-date", night,
            "--to-date", f"{night}T23:59:59+00:00", "--dag-run-conf", '{"feeds": []}',
        )  # fmt: skip
    deadline = time.monotonic() + BACKFILL_SECONDS
    while not (runs := api.runs("build_marts", night)) or runs[0]["state"] not in ("success", "failed"):
        assert time.monotonic() < deadline, "build_marts has not started, or not ended"
        time.sleep(1)
    for dag in SOURCES:
        tasks = api.tasks(dag, api.runs(dag, night)[0]["dag_run_id"])
        states = {task["task_id"]: task["state"] for task in tasks}
        assert states == {"list_feeds": "success", "load": "skipped", "landed": "success"}


def _kill_the_scheduler_while_a_task_runs(api: airflow.Api) -> None:
    """kill -9 of the scheduler, then a new one, which takes over what its predecessor left."""
    deadline = time.monotonic() + BACKFILL_SECONDS
    while not _running_tasks(api):
        assert time.monotonic() < deadline, "no task of the backfill has started"
        time.sleep(0.2)
    airflow._running()["scheduler"].kill()
    while "scheduler" not in airflow.stopped():
        time.sleep(0.1)
    airflow.start(nightly=False)
    assert airflow.is_running()


def _running_tasks(api: airflow.Api) -> list[str]:
    return [
        task["task_id"]
        for dag in (*SOURCES, "build_marts")
        for run in api.get(f"/dags/{dag}/dagRuns", state="running")["dag_runs"]
        for task in api.tasks(dag, run["dag_run_id"])
        if task["state"] == "running"
    ]


def test_no_night_was_built_while_another_was_written(api: airflow.Api) -> None:
    # Times of the work itself; a stage that waits its turn has begun before it.
    overlaps = _rows(
        "select b.build_id, b.step, o.what from ops.build_steps as b inner join ("
        "   select 0 as step_id, name as what, started_at, finished_at as ended_at from ops.file_ledger"
        "   union all select step_id, step, started_at, ended_at from ops.build_steps"
        " ) as o on o.step_id <> b.step_id and o.started_at < b.ended_at and b.started_at < o.ended_at"
    )
    assert overlaps == []


_GOOD = pytest.StashKey[str]()
_SETTLEMENTS = pytest.StashKey[tuple[Path, bytes]]()
