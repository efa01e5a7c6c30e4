"""Nights of a small simulated company through Airflow's own scheduler, and what is told of them.

The tests build on each other in the order of the file, as nights do: the history, a night that is
held by a failed check, the same night with finance held back, then two days by `airflow backfill create`.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
BACKFILL = [HELD + dt.timedelta(days=n) for n in (1, 2)]
SOURCES = ("ingest_erp", "ingest_wms", "ingest_crm")
BROKEN_ROWS = 40
BACKFILL_SECONDS = 1200
# A task's lineage is read and sent when it has ended, which nobody waits for.
LINEAGE_SECONDS = 240
# Far less than the build of a history takes.
DEADLINE_SECONDS = 20


class Receiver(ThreadingHTTPServer):
    """Takes OpenLineage events by HTTP, as Marquez does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.events: list[dict[str, Any]] = []


class _Take(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.events.append({**event, "_path": self.path})
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def company(database: Path) -> Path:
    """Landing zone with the exports of a company of 800 order lines: a history and three nights."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "800", "--seed", "15",
            "--out", str(database), "--truth", str(settings().var / "truth_e2e"),
            "--start", "2025-01-01", "--history-end", HISTORY.isoformat(), "--nights", "3",
            "--dirt", "0",  # so that the rows broken below are the only bad ones
        ],
        cwd=ROOT, env=process_environment(), check=True, capture_output=True,
    )  # fmt: skip
    return database


@pytest.fixture(scope="module")
def api(company: Path, receiver: Receiver) -> Iterator[airflow.Api]:
    """Airflow on the module's database, schedules off, telling its lineage to the receiver."""
    transport = {"type": "http", "url": f"http://127.0.0.1:{receiver.server_port}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHT_DEADLINE_MINUTES", str(DEADLINE_SECONDS / 60))
        patch.setenv("OPENLINEAGE_TRANSPORT", json.dumps(transport))
        airflow.prepare()
        settle = airflow._settle_port

        def lose_the_port(wanted: int) -> None:
            """Another's server takes the port in the moment after it was found free."""
            (airflow.home() / "port").write_text(str(receiver.server_port))
            patch.setattr(airflow, "_settle_port", settle)

        patch.setattr(airflow, "_settle_port", lose_the_port)
        try:
            airflow.start(nightly=False)
            assert airflow.api_port() != receiver.server_port
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


def _counts(source: str, date: dt.date) -> tuple[int, int]:
    """Files and rows that the night took of a source, counted in the raw tables themselves."""
    with connect("auditor") as reader:
        found = reader.execute(
            "select feed, count(*) from ops.file_ledger where feed like %s and run_date = %s"
            " and status in ('loaded', 'superseded') group by feed",
            [f"{source}\\_%", date],
        ).fetchall()
        rows = 0
        for feed, _ in found:
            counted = reader.execute(
                f"select count(*) from raw.{feed} inner join ops.file_ledger as l on _file_id = l.file_id"
                " where l.run_date = %s",
                [date],
            ).fetchone()
            rows += counted[0] if counted else 0
    return sum(files for _, files in found), rows


def _events(api: airflow.Api, asset: str, date: dt.date) -> list[dict[str, Any]]:
    found = api.get("/assets/events", limit=100)["asset_events"]
    return [e["extra"] for e in found if e["name"] == asset and e["extra"].get("business_date") == str(date)]


def test_the_run_says_which_night_it_is_and_what_it_took(api: airflow.Api) -> None:
    files, rows = _counts("erp", HISTORY)
    note = api.runs("ingest_erp", str(HISTORY))[0]["note"]
    assert note.startswith(f"Night of {HISTORY}: ERP: {files:,} files, {rows:,} rows loaded, 0 quarantined")
    assert "publication 1 of marts and finance" in api.runs("build_marts", str(HISTORY))[0]["note"]


def test_each_task_says_what_it_did(api: airflow.Api) -> None:
    run = api.runs("ingest_erp", str(HISTORY))[0]["dag_run_id"]
    tasks = api.tasks("ingest_erp", run)
    loads = {t["rendered_map_index"]: t["note"] for t in tasks if t["task_id"] == "load"}
    (sales,) = [(label, note) for label, note in loads.items() if label.startswith("erp_sales_lines: ")]
    assert "rows loaded" in sales[0] and sales[0] in sales[1]
    run = api.runs("build_marts", str(HISTORY))[0]["dag_run_id"]
    notes = {t["task_id"]: t["note"] or "" for t in api.tasks("build_marts", run)}
    assert f"Gate landed for {HISTORY}" in notes["gate_landed"]
    assert "core: " in notes["core"] and " models, " in notes["core"]


def test_the_event_of_an_asset_carries_files_rows_and_refusals(api: airflow.Api) -> None:
    files, rows = _counts("wms", HISTORY)
    (landed,) = _events(api, "landed_wms", HISTORY)
    assert (landed["files"], landed["rows"], landed["quarantined"], landed["refused"]) == (files, rows, 0, [])
    (published,) = _events(api, "published_marts", HISTORY)
    assert published["publication"] == 1 and published["domains"] == ["marts", "finance"]


def _finished(receiver: Receiver) -> list[dict[str, Any]]:
    return [e for e in receiver.events if e["eventType"] == "COMPLETE" and e["outputs"]]


def _origins(receiver: Receiver, table: str, column: str) -> set[tuple[str, str]]:
    """Datasets and columns that the column of a table was told to be made from."""
    found: set[tuple[str, str]] = set()
    for event in _finished(receiver):
        for output in event["outputs"]:
            if output["name"].partition(".")[2] == table:
                fields = output["facets"]["columnLineage"]["fields"]
                found |= {(i["name"], i["field"]) for i in fields.get(column, {}).get("inputFields", ())}
    return found


def _way(receiver: Receiver) -> set[tuple[str, str]]:
    """All that the net amount of a published sales line is made from, as far as it has been told by now."""
    seen: set[tuple[str, str]] = set()
    ahead = {("x.marts.sales_lines", "net_amount")}
    while ahead:
        name, column = ahead.pop()
        seen.add((name, column))
        ahead |= _origins(receiver, name.partition(".")[2], column) - seen
    return seen


def test_datasets_are_named_by_the_naming_spec(api: airflow.Api, receiver: Receiver, company: Path) -> None:
    with connect("auditor") as reader:
        server, name = f"postgres://{reader.info.host}:{reader.info.port}", reader.info.dbname
    (loaded, *_) = [e for e in _finished(receiver) if e["job"]["name"].endswith("ingest.erp_sales_lines")]
    (file,), (table,) = loaded["inputs"], loaded["outputs"]
    assert (file["namespace"], Path(file["name"]).parent) == ("file", company / "erp")
    assert (table["namespace"], table["name"]) == (server, f"{name}.raw.erp_sales_lines")


def test_a_published_column_leads_back_to_the_column_of_the_landing_file(
    api: airflow.Api, receiver: Receiver, company: Path
) -> None:
    """Read step by step; the ways are those that a person finds in the models."""
    deadline = time.monotonic() + LINEAGE_SECONDS
    seen = _way(receiver)
    while not any(name.startswith(str(company)) for name, _ in seen) and time.monotonic() < deadline:
        time.sleep(1)
        seen = _way(receiver)
    tables = {(name.partition(".")[2], column) for name, column in seen}
    assert ("build.sales_lines", "net_amount") in tables
    assert ("raw.erp_sales_lines", "net_amount") in tables
    files = {(Path(name).name, column) for name, column in seen if name.startswith(str(company))}
    assert any(n.startswith("erp_sales_lines_") and column == "net_amount" for n, column in files)
    assert not any(n.startswith("erp_sales_lines_") and column == "tax_amount" for n, column in files)


def test_a_customers_number_is_told_to_be_masked(api: airflow.Api, receiver: Receiver) -> None:
    (loaded, *_) = [e for e in _finished(receiver) if e["job"]["name"].endswith("ingest.erp_sales_lines")]
    fields = loaded["outputs"][0]["facets"]["columnLineage"]["fields"]
    masks = {
        name: [t["masking"] for i in fields[name]["inputFields"] for t in i["transformations"]]
        for name in ("customer_id", "order_no")
    }
    assert masks == {"customer_id": [True], "order_no": [False]}


def test_each_step_is_a_child_of_the_run_of_its_task(api: airflow.Api, receiver: Receiver) -> None:
    tasks = {e["run"]["runId"] for e in receiver.events if e["job"]["name"] == "build_marts.core"}
    steps = [e for e in receiver.events if e["job"]["name"].startswith("build_marts.core.")]
    assert len(tasks) == 1 and steps
    assert {e["run"]["facets"]["parent"]["run"]["runId"] for e in steps} == tasks
    roots = {e["run"]["facets"]["parent"]["root"]["job"]["name"] for e in steps}
    assert roots == {"build_marts"}


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


def test_a_held_night_says_why_in_its_note(api: airflow.Api, company: Path) -> None:
    note = api.runs("build_marts", str(HELD))[0]["note"]
    assert note.startswith(f"Night of {HELD}: gate_landed failed\n")
    assert "gate_landed failed: Gate landed" in note and "quarantine_share" in note
    (landed,) = _events(api, "landed_crm", HELD)
    assert landed["quarantined"] == BROKEN_ROWS
    (notice,) = [
        json.loads(line) for line in notices_file().read_text().splitlines() if "gate_landed" in line
    ]
    (finding,) = [f for f in notice["findings"] if f["check"] == "quarantine_share"]
    assert (finding["rows"], finding["file"], finding["owner"]) == (
        BROKEN_ROWS,
        _customers(company).name,
        "CRM team",
    )
    assert finding["line"] == 2 and finding["remedy"]


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


def _standing() -> dict[str, dt.date]:
    return dict(_rows("select domain, business_date from ops.standing"))


def _last_run(api: airflow.Api, night: dt.date) -> str:
    return str(api.runs("build_marts", night.isoformat())[0]["dag_run_id"])


def test_a_backfill_cascades_to_the_marts_though_the_scheduler_is_killed_in_it(
    api: airflow.Api, request: pytest.FixtureRequest
) -> None:
    file, good = request.session.stash[_SETTLEMENTS]
    file.write_bytes(good)
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
    # The mended file of the night before has come with them.
    assert _standing() == {"marts": BACKFILL[-1], "finance": BACKFILL[-1]}
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
