"""What Airflow's pages and an OpenLineage receiver show of a good night, and of one that a check holds."""

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

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

NIGHT = dt.date(2026, 1, 31)
HELD = NIGHT + dt.timedelta(days=1)
BROKEN_ROWS = 40
# A task's lineage is read and sent when it has ended, which nobody waits for.
LINEAGE_SECONDS = 240


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
    """Landing zone of a company of 600 order lines without bad rows: a history and a night."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--dense", "--order-lines", "600", "--seed", "11",
            "--out", str(database), "--truth", str(settings().var / "truth_told"),
            "--start", "2025-01-01", "--history-end", NIGHT.isoformat(), "--nights", "1", "--dirt", "0",
        ],
        cwd=ROOT, env=process_environment(), check=True, capture_output=True,
    )  # fmt: skip
    return database


@pytest.fixture(scope="module")
def api(company: Path, receiver: Receiver) -> Iterator[airflow.Api]:
    """Airflow on the module's database, telling its lineage to the receiver."""
    transport = {"type": "http", "url": f"http://127.0.0.1:{receiver.server_port}"}
    with pytest.MonkeyPatch.context() as patch:
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
    run_night(api, NIGHT)
    files, rows = _counts("erp", NIGHT)
    note = api.runs("ingest_erp", str(NIGHT))[0]["note"]
    assert note.startswith(f"Night of {NIGHT}: ERP: {files:,} files, {rows:,} rows loaded, 0 quarantined")
    assert "publication 1 of marts and finance" in api.runs("build_marts", str(NIGHT))[0]["note"]


def test_each_task_says_what_it_did(api: airflow.Api) -> None:
    run = api.runs("ingest_erp", str(NIGHT))[0]["dag_run_id"]
    tasks = api.tasks("ingest_erp", run)
    loads = {t["rendered_map_index"]: t["note"] for t in tasks if t["task_id"] == "load"}
    (sales,) = [(label, note) for label, note in loads.items() if label.startswith("erp_sales_lines: ")]
    assert "rows loaded" in sales[0] and sales[0] in sales[1]
    run = api.runs("build_marts", str(NIGHT))[0]["dag_run_id"]
    notes = {t["task_id"]: t["note"] or "" for t in api.tasks("build_marts", run)}
    assert f"Gate landed for {NIGHT}" in notes["gate_landed"]
    assert "core: " in notes["core"] and " models, " in notes["core"]


def test_the_event_of_an_asset_carries_files_rows_and_refusals(api: airflow.Api) -> None:
    files, rows = _counts("wms", NIGHT)
    (landed,) = _events(api, "landed_wms", NIGHT)
    assert (landed["files"], landed["rows"], landed["quarantined"], landed["refused"]) == (files, rows, 0, [])
    (published,) = _events(api, "published_marts", NIGHT)
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


def test_a_held_night_says_why_in_its_note(api: airflow.Api, company: Path) -> None:
    path = company / "crm" / f"crm_customers_{HELD:%Y%m%d}.csv"
    lines = path.read_bytes().decode("utf-8-sig").splitlines()
    at = lines[0].split(",").index("created_at")
    for number in range(1, BROKEN_ROWS + 1):
        cells = lines[number].split(",")
        cells[at] = "2025-02-31 00:00:00"
        lines[number] = ",".join(cells)
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig", newline="")
    with pytest.raises(RunFailed):
        run_night(api, HELD)
    note = api.runs("build_marts", str(HELD))[0]["note"]
    assert note.startswith(f"Night of {HELD}: gate_landed failed\n")
    assert "gate_landed failed: Gate landed" in note and "quarantine_share" in note
    (landed,) = _events(api, "landed_crm", HELD)
    assert landed["quarantined"] == BROKEN_ROWS
    (notice,) = [
        json.loads(line)
        for line in (settings().var / "log" / "notices.jsonl").read_text().splitlines()
        if "gate_landed" in line
    ]
    (finding,) = [f for f in notice["findings"] if f["check"] == "quarantine_share"]
    assert (finding["rows"], finding["file"], finding["owner"]) == (BROKEN_ROWS, path.name, "CRM team")
    assert finding["line"] == 2 and finding["remedy"]
