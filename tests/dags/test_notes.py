"""What a DAG's page shows of a run: notes, labels of mapped tasks, metadata of its asset's event."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run of told_dag.py, by Airflow itself over a metadata database of its own."""
    home = tmp_path_factory.mktemp("airflow")
    folder = home / "dags"
    folder.mkdir()
    script = shutil.copy(Path(__file__).with_name("told_dag.py"), folder)
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "airflow_plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(home / "events.jsonl"), "append": True}
        ),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "acme",
        "PYTHONPATH": os.pathsep.join(str(ROOT / place) for place in ("src", "dags", "airflow_plugins")),
        "REVLOG_VAR": str(home / "var"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    done = subprocess.run(
        [sys.executable, script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # What the provider logs of its own thread may come later.
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(told)
    events = (home / "events.jsonl").read_text().splitlines()
    return found | {"lineage": [json.loads(line) for line in events]}


def test_a_mapped_task_is_called_by_what_it_did(run: dict[str, Any]) -> None:
    assert run["labels"] == ["erp_items: 1 file, 7 rows", "erp_vendors: 1 file, 7 rows"]


def test_a_task_has_what_it_told_as_its_note(run: dict[str, Any]) -> None:
    first, *rest = run["tasks"]["load"].splitlines()
    assert first in run["labels"], "the page of a task shows its first line alone, and no block of code"
    assert rest == ["", "```text", first, "more", "```"]
    assert run["tasks"]["feeds"] is None, "it told nothing"


def test_a_note_s_first_line_has_paths_and_nothing_that_becomes_a_link(run: dict[str, Any]) -> None:
    first = run["tasks"]["landed"].partition("\n")[0]
    assert first.split() == ["ERP:", "2", "files", "of", "/srv/landing,", "a", "(http:/", "x)", "b"]


def test_the_run_says_what_failed_and_what_landed_and_no_secret(run: dict[str, Any]) -> None:
    assert run["run"].splitlines() == [
        "gate failed",
        "",
        "```text",
        "gate failed: Gate landed: rejected_files, password=***",
        # No link comes of it, and the block does not end early.
        "ERP: 2 files of /srv/landing, [a](http://x) ''' <b>",
        "```",
    ]


def test_the_scheduler_s_own_transaction_takes_the_note_and_says_which_night(run: dict[str, Any]) -> None:
    assert run["night"] == f"Night of 2026-01-31: {run['run']}"


def test_a_note_that_a_person_wrote_stays(run: dict[str, Any]) -> None:
    assert run["kept"] == "we know of it"


def test_the_event_of_the_asset_has_the_facts(run: dict[str, Any]) -> None:
    assert run["events"] == [{"files": 2}]


def test_the_steps_of_a_task_are_told_as_children_of_its_run(run: dict[str, Any]) -> None:
    tasks = {e["run"]["runId"] for e in run["lineage"] if e["job"]["name"] == "told.landed"}
    start, end = [e for e in run["lineage"] if e["job"]["name"] == "told.landed.ingest.erp_items"]
    assert (start["eventType"], end["eventType"], end["job"]["namespace"]) == ("START", "COMPLETE", "acme")
    parent = end["run"]["facets"]["parent"]
    assert {parent["run"]["runId"]} == tasks, "the run by which Airflow's provider tells of the task"
    runs = {e["run"]["runId"] for e in run["lineage"] if e["job"]["name"] == "told"}
    assert {parent["root"]["run"]["runId"]} == runs
    assert [(d["namespace"], d["name"]) for d in end["inputs"]] == [("file", "/srv/landing/a.csv")]
    fields = end["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert [i["field"] for i in fields["sku"]["inputFields"]] == ["Artikel"]


def test_the_first_line_says_what_was_brought_and_is_no_markup() -> None:
    sys.path.insert(0, str(ROOT / "airflow_plugins"))
    from notes_of_nights import note_of_run

    good = note_of_run("2026-01-31", {"landed": "ERP: 2 files, 7 rows loaded\nrefused: x"}, [])
    assert good.splitlines()[0] == "Night of 2026-01-31: ERP: 2 files, 7 rows loaded"
    evil = note_of_run("2026-01-31", {"landed": "![a](http://x) <b> `c`"}, [])
    assert evil.splitlines()[0] == "Night of 2026-01-31:   a (http:/ x)  b   c "
    assert note_of_run("2026-01-31", {}, []) == "Night of 2026-01-31"
    long = note_of_run("2026-01-31", {"gate": "x" * 2_000}, ["gate"])
    assert len(long) <= 1_000 and long.endswith("…\n```")
