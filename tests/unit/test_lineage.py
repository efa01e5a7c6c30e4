"""Lineage of single steps: names by the naming spec, columns by the SQL, events as a receiver takes them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.transport.http import HttpConfig, HttpTransport

from revlog.database import connections
from revlog.night import lineage
from revlog.night.lineage import Origin, Place, Step, step_of_query
from revlog.night.told import Landed, Told
from revlog.transform import project

TABLES = {
    ("raw", "sales"): {"order_no": "text", "net": "numeric", "tax": "numeric"},
    ("core", "lines"): {"order_no": "text", "gross": "numeric"},
    ("ops", "clock"): {"today": "date"},
}


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://db.example.org:5433/acme")


@pytest.fixture()
def receiver() -> Iterator[Any]:
    """What an OpenLineage backend was posted, as (path, event)."""
    got: list[tuple[str, dict[str, Any]]] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield got, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_table_is_named_by_server_database_schema_and_table() -> None:
    assert lineage.place_of_table("raw", "sales") == Place("postgres://db.example.org:5433", "acme.raw.sales")


@pytest.mark.parametrize(
    ("zone", "path", "namespace", "name"),
    [
        ("/srv/landing", "/srv/landing/erp/a.csv", "file", "/srv/landing/erp/a.csv"),
        ("s3://bucket/in", "bucket/in/erp/a.csv", "s3://bucket", "in/erp/a.csv"),
        ("gs://bucket/in", "bucket/in/erp/a.csv", "gs://bucket", "in/erp/a.csv"),
        ("sftp://user@files.example.org/in", "/in/a.csv", "file://files.example.org", "/in/a.csv"),
        (
            "abfs://zone@acme.dfs.core.windows.net/in", "zone/in/a.csv",
            "abfss://zone@acme.dfs.core.windows.net", "in/a.csv",
        ),
    ],
)  # fmt: skip
def test_a_file_is_named_by_where_it_lies(
    zone: str, path: str, namespace: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", zone)
    assert lineage.place_of_file(path) == Place(namespace, name)


def test_a_model_reads_what_its_sql_reads_and_its_columns_say_from_where() -> None:
    query = (
        "with s as (select order_no, net + tax as gross from raw.sales)"
        " select s.order_no, s.gross, c.today from s cross join ops.clock as c"
    )
    step = step_of_query("core", "lines", query, TABLES, "core.")
    sales, clock = lineage.place_of_table("raw", "sales"), lineage.place_of_table("ops", "clock")
    assert step.job == "core.lines" and set(step.inputs) == {sales, clock}
    assert step.columns == {
        "order_no": (Origin(sales, "order_no"),),
        "gross": (Origin(sales, "net"), Origin(sales, "tax")),
        "today": (Origin(clock, "today"),),
    }


def test_a_table_that_is_built_by_difference_is_no_origin_of_itself() -> None:
    query = "select order_no, gross from core.lines union all select order_no, net from raw.sales"
    step = step_of_query("core", "lines", query, TABLES)
    sales = lineage.place_of_table("raw", "sales")
    assert step.inputs == (sales,)
    assert step.columns == {"order_no": (Origin(sales, "order_no"),), "gross": (Origin(sales, "net"),)}


def test_sql_that_cannot_be_understood_tells_the_table_alone() -> None:
    step = step_of_query("core", "lines", "select from from", TABLES)
    assert (step.inputs, dict(step.columns)) == ((), {})


def _dbt_ran(target: Path, query: str) -> None:
    node = {"resource_type": "model", "schema": "core", "alias": "lines"}
    target.mkdir(exist_ok=True)
    (target / "manifest.json").write_text(json.dumps({"nodes": {"model.lines": node}}))
    results = [{"unique_id": "model.lines", "status": "success", "compiled_code": query}]
    (target / "run_results.json").write_text(json.dumps({"results": results}))


@pytest.mark.parametrize(
    ("night", "columns", "is_read_again"),
    [
        # What differs from night to night: the window of ledger changes, and the date.
        ("select order_no, net as gross from raw.sales where seq > 970 and day < '2026-02-01'", {}, False),
        ("select order_no, tax as gross from raw.sales where seq > 970 and day < '2026-02-01'", {}, True),
        (
            "select order_no, net as gross from raw.sales where seq > 9",
            {("raw", "sales"): {"net": "x"}},
            True,
        ),
    ],
)
def test_sql_is_read_anew_only_where_more_than_its_numbers_differ(
    night: str, columns: dict[tuple[str, str], dict[str, str]], is_read_again: bool,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    asked: list[str] = []
    found = lineage._read

    def read(schema: str, name: str, query: str, tables: lineage.Tables) -> lineage.Read:
        asked.append(query)
        return found(schema, name, query, tables)

    tables = dict(TABLES)
    monkeypatch.setattr(lineage, "_read", read)
    monkeypatch.setattr(lineage, "_tables", lambda _: tables)
    monkeypatch.setattr(project, "target", lambda: tmp_path / "target")
    monkeypatch.setattr(connections, "connect", lambda _: contextlib.nullcontext())
    before = "select order_no, net as gross from raw.sales where seq > 12 and day < '2026-01-31'"
    _dbt_ran(tmp_path / "target", before)
    list(lineage.of_layer("core"))
    tables |= columns
    _dbt_ran(tmp_path / "target", night)
    steps = list(lineage.of_layer("core"))
    assert asked == ([before, night] if is_read_again else [before])
    assert steps == [step_of_query("core", "lines", night, tables, "core.")]


def test_what_was_read_before_and_is_broken_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "_tables", lambda _: TABLES)
    monkeypatch.setattr(project, "target", lambda: tmp_path / "target")
    monkeypatch.setattr(connections, "connect", lambda _: contextlib.nullcontext())
    _dbt_ran(tmp_path / "target", "select order_no from raw.sales")
    (tmp_path / "lineage").mkdir()
    (tmp_path / "lineage" / "core.json").write_text("{")
    (step,) = lineage.of_layer("core")
    assert step.columns == {"order_no": (Origin(lineage.place_of_table("raw", "sales"), "order_no"),)}


def test_an_event_arrives_as_the_specification_says(receiver: Any) -> None:
    got, url = receiver
    file = Place("file", "/srv/landing/crm/a.csv")
    step = Step(
        "ingest.crm_customers", (file,), lineage.place_of_table("raw", "crm_customers"),
        {"customer_id": (Origin(file, "Kundennr", masked=True),)}, {"customer_id": "text"},
    )  # fmt: skip
    client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url)))
    run, root = "0199a000-0000-7000-8000-000000000001", "0199a000-0000-7000-8000-000000000002"
    for event in lineage.events(step, "acme", "ingest_crm.load", run, "ingest_crm", root):
        client.emit(event)
    assert [(path, event["eventType"]) for path, event in got] == [
        ("/api/v1/lineage", "START"), ("/api/v1/lineage", "COMPLETE"),
    ]  # fmt: skip
    start, end = (event for _, event in got)
    assert start["run"]["runId"] == end["run"]["runId"]
    assert end["job"]["name"] == "ingest_crm.load.ingest.crm_customers"
    parent = end["run"]["facets"]["parent"]
    assert (parent["run"]["runId"], parent["root"]["run"]["runId"]) == (run, root)
    (output,) = end["outputs"]
    (made,) = output["facets"]["columnLineage"]["fields"]["customer_id"]["inputFields"]
    assert (made["namespace"], made["name"], made["field"]) == ("file", "/srv/landing/crm/a.csv", "Kundennr")
    assert made["transformations"][0]["masking"] is True
    assert [(f["name"], f["type"]) for f in output["facets"]["schema"]["fields"]] == [("customer_id", "text")]


def test_nobody_is_asked_for_steps_where_lineage_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def steps() -> list[Step]:
        asked.append(1)
        return []

    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__DISABLED", "True")
    assert list(lineage.kept(object(), Told("core: 3 models", steps))) == []
    assert asked == []


def test_sql_is_read_when_the_task_has_ended_of_what_it_had_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(schema: str, name: str, query: str, tables: lineage.Tables) -> lineage.Read:
        read.append(query)
        return {"reads": [], "columns": {}}

    monkeypatch.setattr(lineage, "_read", reading)
    monkeypatch.setattr(lineage, "_tables", lambda _: TABLES)
    monkeypatch.setattr(project, "target", lambda: tmp_path / "target")
    monkeypatch.setattr(connections, "connect", lambda _: contextlib.nullcontext())
    _dbt_ran(tmp_path / "target", "select order_no from raw.sales")
    steps = lineage.of_layer("core")
    # The next layer runs meanwhile.
    _dbt_ran(tmp_path / "target", "select net from raw.sales")
    assert read == []
    assert [step.job for step in steps] == ["core.lines"]
    assert read == ["select order_no from raw.sales"]


def test_lineage_that_can_not_be_told_ends_no_task(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[Step]:
        yield from json.loads("{")

    lineage.send(SimpleNamespace(task_id="core"), broken())
    assert "no lineage of core: JSONDecodeError" in caplog.text


def test_what_a_night_took_is_told_with_reasons_and_refused_files() -> None:
    found = Landed(
        dt.date(2026, 1, 31), files=1, rows=1_200, quarantined=7, duplicate=2, files_twice=1,
        refused=[f"f{n}.csv (erp_items): header" for n in range(5)],
        reasons={"not_a_number": 4, "bad_boolean": 1, "too_long": 1, "ragged_row": 1},
    )  # fmt: skip
    assert str(found).splitlines() == [
        "1 file, 1,200 rows loaded, 7 quarantined, 2 duplicate",
        "quarantined: 4 not_a_number, 1 bad_boolean, 1 too_long, and 1 more reason",
        "files that came twice: 1",
        "refused: f0.csv (erp_items): header",
        "refused: f1.csv (erp_items): header",
        "refused: f2.csv (erp_items): header",
        "refused: and 2 more files",
    ]
