"""`make run`: a simulated company, its nights through Airflow's scheduler, and what came of them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from revlog.builds.domains import DOMAINS
from revlog.config.redaction import environment_without_secrets
from revlog.config.settings import ROOT, serve, settings, variable
from revlog.config.settings import SIMULATED as SIMULATED_COMPANY
from revlog.ingestion.storage import is_remote
from revlog.local import airflow
from revlog.local.clean import SIMULATED
from revlog.local.progress import AIRFLOW, BUILD, COMPANY, DATABASE, END, SOURCES, Progress, Step, steps_of
from revlog.outputs.files import shown_path

HISTORY_END = dt.date(2026, 1, 31)
START = dt.date(2025, 1, 1)
NIGHT_SECONDS = 45 * 60
FINISHED = ("success", "failed")

console = Console(highlight=False)


class RunFailed(RuntimeError):
    """A night did not end well; the message is the failing task's own."""


def run(order_lines: int, seed: int = 7, nights: int = 1) -> None:
    """Bring the history and `nights` more nights through the pipeline, and print what came of it."""
    from revlog.maintenance.migrate import upgrade
    from revlog.reports.summary import print_summary

    started = time.monotonic()
    if is_remote(settings().landing):
        raise RunFailed(
            f"LANDING_URL names {settings().landing}, and this writes a simulated company's files into a"
            " folder: unset it, or run a night over what lies there: make night DATE=2026-02-01"
        )
    airflow.refuse_another_than(SIMULATED_COMPANY)
    serve(SIMULATED_COMPANY)
    with Progress(console) as progress:
        progress.heading("PostgreSQL: starting, schemas, roles")
        upgrade()
        dates = [HISTORY_END + dt.timedelta(days=n) for n in range(nights + 1)]
        todo = [date for date in dates if not _is_published(date)]
        progress.plan([Step("database", DATABASE), Step("company", COMPANY)])
        if todo:
            progress.plan([Step("airflow", AIRFLOW), *_steps(todo), Step("end", END)])
        progress.end("database", "PostgreSQL and its schemas", time.monotonic() - started)
        _simulate(order_lines, seed, nights, progress)
        if todo:
            _run_nights(todo, progress)
        else:
            progress.heading("Every night is published already: nothing to do.")
            progress.heading("`make clean-warehouse` starts over.")
    print_summary(console, seconds=time.monotonic() - started, did_work=bool(todo))


def _steps(nights: list[dt.date]) -> list[Step]:
    return [step for night in nights for step in steps_of(night, is_first=night == HISTORY_END)]


def _run_nights(nights: list[dt.date], progress: Progress) -> None:
    """Start Airflow, run these nights, and stop it again where it did not run before."""
    was_up, began = airflow.is_running(), time.monotonic()
    progress.heading("Airflow: database, scheduler, DAG processor, API server, triggerer")
    airflow.prepare()
    airflow.start(nightly=False)
    try:
        api = airflow.Api()
        progress.end("airflow", "Airflow runs", time.monotonic() - began)
        for date in nights:
            run_night(api, date, progress)
    finally:
        if not was_up:
            airflow.stop()
    progress.end("end")


def run_night(api: airflow.Api, date: dt.date, progress: Progress | None = None) -> None:
    """Let the scheduler run the three sources for `date` and wait for the build they trigger."""
    key = date.isoformat()
    progress = progress or Progress(console, steps_of(date, is_first=False))
    progress.heading(f"Night of {key}")
    for dag in ("build_marts", *SOURCES):
        api.unpause(dag)
    _again_where_failed(api, key)
    for dag in SOURCES:
        _create_run(api, dag, key)
    seen: dict[str, str] = {}
    deadline = time.monotonic() + NIGHT_SECONDS
    while time.monotonic() < deadline:
        states = {dag: _newest(api, dag, key, seen, progress) for dag in (*SOURCES, "build_marts")}
        progress.tick()
        failed = [dag for dag, state in states.items() if state == "failed"]
        if failed:
            raise RunFailed(_why(api, failed[0], key))
        if all(state == "success" for state in states.values()):
            return
        if gone := airflow.stopped():
            log = airflow.home() / f"{gone[0]}.log"
            raise RunFailed(f"Airflow's {gone[0]} has stopped, see {log}; `make run` goes on from here")
        time.sleep(1)
    raise RunFailed(f"the night of {key} took longer than {NIGHT_SECONDS // 60} minutes")


def _again_where_failed(api: airflow.Api, key: str) -> None:
    """A build that failed before starts over from its sources: their files may be mended by now."""
    builds = api.runs("build_marts", key)
    if not builds or builds[0]["state"] != "failed":
        return
    api.forget("build_marts", builds[0]["dag_run_id"])
    for dag in SOURCES:
        for run in api.runs(dag, key)[:1]:
            api.run_again(dag, run["dag_run_id"])


def _create_run(api: airflow.Api, dag: str, key: str) -> None:
    """Backfill one partition. A run that failed before is run again, one under way is left alone."""
    runs = api.runs(dag, key)
    if runs and runs[0]["state"] not in ("failed",):
        return
    api.backfill(dag, key, key)


def _newest(api: airflow.Api, dag: str, key: str, seen: dict[str, str], progress: Progress) -> str:
    """State of the DAG's run for the night; tells of every task that has ended since the last look."""
    runs = api.runs(dag, key)
    if not runs:
        return "waiting"
    for task in api.tasks(dag, runs[0]["dag_run_id"]):
        name, state = f"{dag}.{task['task_id']}[{task['map_index']}]", str(task["state"])
        if seen.get(name) != state and state in (*FINISHED, "up_for_retry", "upstream_failed"):
            _tell(task, key, dag, state, progress)
        seen[name] = state
    return str(runs[0]["state"])


def _tell(task: dict[str, Any], key: str, dag: str, state: str, progress: Progress) -> None:
    """Tell of a task that has ended: as a step of the night where it is one, else beneath."""
    seconds = task.get("duration") or 0.0
    is_build = dag == "build_marts"
    step = task["task_id"] if is_build else dag
    is_step = task["task_id"] in BUILD if is_build else task["task_id"] == "landed"
    label = task.get("rendered_map_index") or (step if is_step else f"{dag}.{task['task_id']}")
    if is_step and state == "success":
        progress.end(f"{key} {step}", label.replace("_", " ", 1), seconds)
    else:
        progress.note("ok" if state == "success" else state, label, seconds)


def _why(api: airflow.Api, dag: str, key: str) -> str:
    """The failing task's own message."""
    import json

    from revlog.night.notices import notices_file

    lines = notices_file().read_text().splitlines() if notices_file().exists() else []
    notices: list[dict[str, Any]] = [json.loads(line) for line in lines]
    mine = [n for n in notices if n["where"].startswith(f"{dag}.") and n["night"] == key]
    if mine:
        return f"{mine[-1]['where']} failed for {key}:\n{mine[-1]['message']}"
    return f"{dag} failed for {key}; its logs are under {airflow.home() / 'logs'}"


def _is_published(date: dt.date) -> bool:
    """True where the night was published, and no domain is still held back from it."""
    from revlog.database.connections import connect

    with connect("auditor") as connection:
        found = connection.execute(
            "select 1 from ops.publications where business_date = %(date)s"
            " and (select count(*) from ops.standing where business_date >= %(date)s) = %(domains)s limit 1",
            {"date": date, "domains": len(DOMAINS)},
        )
        return found.fetchone() is not None


def _simulate(order_lines: int, seed: int, nights: int, progress: Progress) -> None:
    """Write the company's exports once; a second call with the same size finds them."""
    landing, truth = Path(settings().landing), settings().var / "truth"
    mark = settings().var / SIMULATED
    wanted = f"{order_lines} {seed} {nights}"
    if mark.exists() and mark.read_text().splitlines()[:1] == [wanted]:
        progress.end("company", "the company's exports are there already")
        return
    if mark.exists():
        other = mark.read_text().splitlines()[0]
        raise RunFailed(
            f"{landing} holds another company ({other}: order lines, seed, nights); two"
            " can't share a warehouse. `make clean-warehouse` starts over, REVLOG_VAR names another folder."
        )
    began = time.monotonic()
    progress.heading(f"Simulated company: {order_lines:,} order lines into {shown_path(landing)}")
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--order-lines", str(order_lines), "--seed",
            str(seed), "--out", str(landing), "--truth", str(truth), "--start",
            START.isoformat(), "--history-end", HISTORY_END.isoformat(), "--nights", str(nights),
        ],
        cwd=ROOT,
        env=environment_without_secrets(),
        check=True,
    )  # fmt: skip
    names = sorted(path.name for path in landing.rglob("*") if path.is_file())
    mark.write_text("\n".join([wanted, *names]))
    progress.end("company", f"{len(names):,} files written", time.monotonic() - began)


def default_order_lines() -> int:
    """Size of the simulated company: ORDER_LINES, else 20,000."""
    return int(variable("ORDER_LINES", "20000"))
