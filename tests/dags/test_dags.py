"""The DAG files as Airflow reads them: quick, quiet, short, and wired as the night needs it."""

from __future__ import annotations

import ast
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
DAGS = (
    "ingest_erp", "ingest_wms", "ingest_crm", "build_marts", "maintenance", "close_period", "erase_customer",
)  # fmt: skip
TAGS = {"reverse-logistics", "ingest", "build", "maintenance", "finance", "privacy", "erp", "wms", "crm"}
BUILD_ORDER = (
    "begin", "gate_landed", "staging", "core", "gate_core", "marts", "gate_publish", "publish", "report",
    "complete",
)  # fmt: skip
# What a DAG file may import: Airflow, its neighbours, and the modules made to be light.
LIGHT = (
    "__future__",
    "datetime",
    "os",
    "airflow.sdk",
    "assets",
    "revlog.night",
    "revlog.night.errors",
    "revlog.night.told",
)


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every DAG file, imported in a process of its own without a database in reach."""
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "REVLOG_VAR": str(home / "var"),
        "WAREHOUSE_DSN": "postgresql://nobody@127.0.0.1:1/nothing",
        "TASKS_RUN_AS_ROLES": "yes",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/none.db",
    }
    done = subprocess.run(
        [sys.executable, "-B", str(Path(__file__).with_name("parse_dags.py"))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def dags(parsed: dict[str, Any]) -> dict[str, Any]:
    """Every DAG by its id."""
    return {dag_id: dag for file in parsed.values() for dag_id, dag in file["dags"].items()}


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_a_dag_file_imports_within_a_second(parsed: dict[str, Any], name: str) -> None:
    assert parsed[name]["seconds"] <= 1.0


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_an_import_opens_no_file_no_connection_and_no_process(parsed: dict[str, Any], name: str) -> None:
    assert parsed[name]["accesses"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dag_file_stays_under_120_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 120


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dag_file_imports_only_what_is_light(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    assert found <= set(LIGHT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_task_holds_no_logic_of_its_own(path: Path) -> None:
    """At most three statements beside the docstring, and neither branches nor loops nor handlers."""
    tree = ast.parse(path.read_text())
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        if not any("task" in ast.unparse(d) for d in function.decorator_list):
            continue
        body = [n for n in function.body if not isinstance(n, ast.Expr) or isinstance(n.value, ast.Call)]
        assert len(body) <= 3, function.name
        logic = (ast.If, ast.For, ast.While, ast.Try, ast.With)
        assert not any(isinstance(n, logic) for n in ast.walk(function)), function.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_airflow_variable_or_connection_is_read(path: Path) -> None:
    names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
    assert not names & {"Variable", "Connection", "BaseHook"}


def test_there_are_seven_dags(dags: dict[str, Any]) -> None:
    assert sorted(dags) == sorted(DAGS)


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_dag_is_documented_owned_and_tagged(dags: dict[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert dag["doc"].strip()
    assert dag["owner"] == "data-engineering"
    assert set(dag["tags"]) <= TAGS
    assert "reverse-logistics" in dag["tags"]
    assert len(dag["tags"]) >= 2
    assert all(dag["params"].values()), "every param has a description"
    assert all(task["doc"] for task in dag["tasks"].values()), "every task has a docstring"


@pytest.mark.parametrize("dag_id", DAGS)
def test_two_runs_of_a_dag_never_overlap(dags: dict[str, Any], dag_id: str) -> None:
    assert dags[dag_id]["max_active_runs"] == 1
    assert dags[dag_id]["catchup"] is False


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_broken_connection_is_retried_and_nothing_else(dags: dict[str, Any], dag_id: str) -> None:
    for name, task in dags[dag_id]["tasks"].items():
        assert task["retries"] == 3, name
        assert [r.rpartition(".")[2] for r in task["retried"]] == ["ConnectionBroken"], name
        assert task["otherwise"] == "fail", name


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_failed_task_is_told(dags: dict[str, Any], dag_id: str) -> None:
    assert all(task["notifies"] for task in dags[dag_id]["tasks"].values())


@pytest.mark.parametrize("source", ["erp", "wms", "crm"])
def test_a_source_has_one_mapped_task_per_feed_and_then_says_landed(
    dags: dict[str, Any], source: str
) -> None:
    dag = dags[f"ingest_{source}"]
    assert dag["timetable"] == "CronPartitionTimetable"
    tasks = dag["tasks"]
    assert tasks["list_feeds"]["downstream"] == ["load"]
    assert tasks["load"]["mapped"]
    assert tasks["load"]["downstream"] == ["landed"]
    assert tasks["landed"]["outlets"] == [f"landed_{source}"]


def test_build_marts_waits_for_the_three_sources(dags: dict[str, Any]) -> None:
    assert dags["build_marts"]["timetable"] == "PartitionedAssetTimetable"
    assert dags["build_marts"]["has_deadline"]


def test_build_marts_audits_before_it_publishes(dags: dict[str, Any]) -> None:
    tasks = dags["build_marts"]["tasks"]
    for name, following in itertools.pairwise(BUILD_ORDER):
        # Its number goes past the report, which also comes after a night that stopped.
        after_publishing = ["complete", "outbound", following]
        assert tasks[name]["downstream"] == (after_publishing if name == "publish" else [following])
    assert set(tasks) == {*BUILD_ORDER, "outbound"}
    assert tasks["publish"]["outlets"] == ["published_marts"]


def test_the_page_is_written_after_a_night_that_stopped_and_such_a_night_is_never_complete(
    dags: dict[str, Any],
) -> None:
    tasks = dags["build_marts"]["tasks"]
    assert {name: task["rule"] for name, task in tasks.items() if task["rule"] != "all_success"} == {
        "report": "all_done"
    }


def test_whom_nobody_can_tell_holds_up_neither_page_nor_end_of_a_night(dags: dict[str, Any]) -> None:
    task = dags["build_marts"]["tasks"]["outbound"]
    assert task["downstream"] == []
    assert (task["pool"], task["slots"]) == ("default_pool", 1)


def test_writers_share_one_pool_that_a_build_fills(dags: dict[str, Any]) -> None:
    for source in ("erp", "wms", "crm"):
        load = dags[f"ingest_{source}"]["tasks"]["load"]
        assert (load["pool"], load["slots"]) == ("warehouse_writes", 1)
    writers = {"begin", "staging", "core", "marts", "publish", "gate_landed", "gate_core", "gate_publish"}
    for name in writers:
        task = dags["build_marts"]["tasks"][name]
        assert (task["pool"], task["slots"]) == ("warehouse_writes", 4), name
    for alone in ("maintenance", "close_period", "erase_customer"):
        for task in dags[alone]["tasks"].values():
            assert (task["pool"], task["slots"]) == ("warehouse_writes", 4)


def test_a_period_is_closed_only_when_someone_asks(dags: dict[str, Any]) -> None:
    dag = dags["close_period"]
    assert dag["timetable"] == "NullTimetable"
    assert list(dag["params"]) == ["act", "period", "approver", "note", "with_earlier"]


def test_a_customer_is_erased_only_when_someone_names_them(dags: dict[str, Any]) -> None:
    dag = dags["erase_customer"]
    assert dag["timetable"] == "NullTimetable"
    assert "customers" in dag["params"]
    assert "erase" not in dags["maintenance"]["params"]


RUNS_AS = {
    "build_marts": {
        "gate_landed": "validator", "gate_core": "validator", "gate_publish": "validator",
        "publish": "publisher", "outbound": "sender", "report": "reporter", "complete": "publisher",
    },
    "close_period": {"close": "publisher", "workbooks": "reporter"},
}  # fmt: skip
RUNS_ALL_AS = {
    "ingest_erp": "loader", "ingest_wms": "loader", "ingest_crm": "loader", "build_marts": "transformer",
    "maintenance": "maintainer", "erase_customer": "maintainer",
}  # fmt: skip


@pytest.mark.parametrize("dag_id", DAGS)
def test_a_task_runs_as_the_system_user_of_its_role(dags: dict[str, Any], dag_id: str) -> None:
    for name, task in dags[dag_id]["tasks"].items():
        wanted = RUNS_AS.get(dag_id, {}).get(name, RUNS_ALL_AS.get(dag_id))
        assert task["runs_as"] == wanted, name
