"""`make run`: a simulated company, its nights through Airflow's scheduler, and what came of them."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from ingestion.storage import is_remote
from local import airflow
from local.clean import SIMULATED
from outputs.escaping import rich_text
from warehouse.domains import DOMAINS
from warehouse.redaction import environment_without_secrets
from warehouse.settings import ROOT, serve, settings, variable
from warehouse.settings import SIMULATED as SIMULATED_COMPANY

HISTORY_END = dt.date(2026, 1, 31)
START = dt.date(2025, 1, 1)
NIGHT_SECONDS = 45 * 60
SOURCES = ("ingest_erp", "ingest_wms", "ingest_crm")
FINISHED = ("success", "failed")

console = Console(highlight=False)


class RunFailed(RuntimeError):
    """A night did not end well; the message is the failing task's own."""


def run(order_lines: int, seed: int = 7, nights: int = 1) -> None:
    """Bring the history and `nights` more nights through the pipeline, and print what came of it."""
    from nightly.stages import record
    from reporting.summary import print_summary
    from warehouse.migrate import upgrade

    started = time.monotonic()
    if is_remote(settings().landing):
        raise RunFailed(
            f"LANDING_URL names {settings().landing}, and this writes a simulated company's files into a"
            " folder: unset it, or run a night over what lies there: make night DATE=2026-02-01"
        )
    airflow.refuse_another_than(SIMULATED_COMPANY)
    serve(SIMULATED_COMPANY)
    _say("PostgreSQL: starting, schemas, roles")
    upgrade()
    _simulate(order_lines, seed, nights)
    dates = [HISTORY_END + dt.timedelta(days=n) for n in range(nights + 1)]
    todo = [date for date in dates if not _is_published(date)]
    was_up = airflow.is_running()
    if todo:
        _say("Airflow: metadata database, scheduler, DAG processor, API server, triggerer")
        airflow.prepare()
        airflow.start(nightly=False)
        try:
            api = airflow.Api()
            for date in todo:
                began = dt.datetime.now(dt.UTC)
                run_night(api, date)
                record("transformer", "night", "", "ok", began, date=date.isoformat())
        finally:
            if not was_up:
                airflow.stop()
    else:
        _say("Every night is published already: nothing to do. `make clean-warehouse` starts over.")
    print_summary(console, seconds=time.monotonic() - started, did_work=bool(todo))


def run_night(api: airflow.Api, date: dt.date) -> None:
    """Let the scheduler run the three sources for `date` and wait for the build they trigger."""
    key = date.isoformat()
    _say(f"Night of {key}")
    for dag in ("build_marts", *SOURCES):
        api.unpause(dag)
    _again_where_failed(api, key)
    for dag in SOURCES:
        _create_run(api, dag, key)
    seen: dict[str, str] = {}
    deadline = time.monotonic() + NIGHT_SECONDS
    while time.monotonic() < deadline:
        states = {dag: _newest(api, dag, key, seen) for dag in (*SOURCES, "build_marts")}
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


def _newest(api: airflow.Api, dag: str, key: str, seen: dict[str, str]) -> str:
    """State of the DAG's run for the night; tells of every task that has ended since the last look."""
    runs = api.runs(dag, key)
    if not runs:
        return "waiting"
    for task in api.tasks(dag, runs[0]["dag_run_id"]):
        name = f"{dag}.{task['task_id']}"
        label = task.get("rendered_map_index")
        name += f"[{label or task['map_index']}]" if task["map_index"] >= 0 else ""
        state = str(task["state"])
        if seen.get(name) != state and state in (*FINISHED, "up_for_retry", "upstream_failed"):
            seconds = task.get("duration") or 0
            mark = {"success": "[green]ok[/]", "failed": "[red]failed[/]"}.get(state, state)
            console.print(f"  {mark:<6} {rich_text(name)} [dim]{seconds:.1f} s[/]", soft_wrap=True)
        seen[name] = state
    return str(runs[0]["state"])


def _why(api: airflow.Api, dag: str, key: str) -> str:
    """The failing task's own message."""
    import json

    from nightly.notices import notices_file

    lines = notices_file().read_text().splitlines() if notices_file().exists() else []
    notices: list[dict[str, Any]] = [json.loads(line) for line in lines]
    mine = [n for n in notices if n["where"].startswith(f"{dag}.") and n["night"] == key]
    if mine:
        return f"{mine[-1]['where']} failed for {key}:\n{mine[-1]['message']}"
    return f"{dag} failed for {key}; its logs are under {airflow.home() / 'logs'}"


def _is_published(date: dt.date) -> bool:
    """True where the night was published, and no domain is still held back from it."""
    from warehouse.connections import connect

    with connect("auditor") as connection:
        found = connection.execute(
            "select 1 from ops.publications where business_date = %(date)s"
            " and (select count(*) from ops.standing where business_date >= %(date)s) = %(domains)s limit 1",
            {"date": date, "domains": len(DOMAINS)},
        )
        return found.fetchone() is not None


def _simulate(order_lines: int, seed: int, nights: int) -> None:
    """Write the company's exports once; a second call with the same size finds them."""
    landing, truth = Path(settings().landing), settings().var / "truth"
    mark = settings().var / SIMULATED
    wanted = f"{order_lines} {seed} {nights}"
    if mark.exists() and mark.read_text().splitlines()[:1] == [wanted]:
        _say(f"Landing zone: {landing} has the company's exports already")
        return
    if mark.exists():
        other = mark.read_text().splitlines()[0]
        raise RunFailed(
            f"{landing} holds another company ({other}: order lines, seed, nights); two"
            " can't share a warehouse. `make clean-warehouse` starts over, REVLOG_VAR names another folder."
        )
    _say(f"Simulated company: {order_lines:,} order lines into {landing}")
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


def _say(text: str) -> None:
    console.print(f"[bold]{rich_text(text)}[/]", soft_wrap=True)


def default_order_lines() -> int:
    """Size of the simulated company: ORDER_LINES, else 20,000."""
    return int(variable("ORDER_LINES", "20000"))
