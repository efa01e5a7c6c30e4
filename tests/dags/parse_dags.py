"""Run by the tests in a process of its own: import every DAG file and print what was found, as JSON.

An audit hook sees every file opened, connection made and process started during the imports.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

# Airflow's own modules are loaded when its DAG processor reads a file; they don't count.
from airflow.sdk import CronPartitionTimetable  # noqa: F401
from airflow.sdk.definitions._internal.contextmanager import DagContext

ROOT = Path(__file__).parents[2]
CODE = (".py", ".pyc", ".so", ".pth")
FORBIDDEN = ("socket.connect", "subprocess.Popen", "sqlite3.connect", "os.system")

watched: list[str] | None = None


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Keep what an import should not do; Python's own files and packages don't count."""
    if watched is None:
        return
    if event in FORBIDDEN:
        watched.append(f"{event} {arguments[:2]}")
    if event == "open" and isinstance(arguments[0], str):
        path = Path(arguments[0])
        if path.suffix not in CODE and not path.is_relative_to(sys.prefix):
            watched.append(f"open {path}")


def describe(dag: Any) -> dict[str, Any]:
    """What the tests ask of a DAG."""
    return {
        "tags": sorted(dag.tags),
        "owner": dag.owner,
        "doc": dag.doc_md,
        "timetable": type(dag.timetable).__name__,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "has_deadline": bool(dag.deadline),
        "params": {name: dag.params.get_param(name).description for name in dag.params},
        "tasks": {task.task_id: describe_task(task) for task in dag.tasks},
    }


def describe_task(task: Any) -> dict[str, Any]:
    """What the tests ask of a task."""
    own = task.partial_kwargs if task.is_mapped else vars(task)
    policy = own.get("retry_policy") or getattr(task, "retry_policy", None)
    return {
        "downstream": sorted(task.downstream_task_ids),
        "mapped": task.is_mapped,
        "rule": task.trigger_rule.value,
        "pool": task.pool,
        "slots": task.pool_slots,
        "retries": task.retries,
        "runs_as": own.get("run_as_user") or getattr(task, "run_as_user", None),
        "retried": [rule.exception if isinstance(rule.exception, str) else rule.exception.__name__
                    for rule in policy.rules] if policy else None,
        "otherwise": policy.default.value if policy else None,
        "notifies": bool(own.get("on_failure_callback")),
        "outlets": [asset.name for asset in own.get("outlets") or []],
        "doc": bool(task.doc_md or (own.get("python_callable") or task.python_callable).__doc__),
    }  # fmt: skip


def main() -> None:
    """Import each DAG file anew and print seconds, accesses and DAGs per file."""
    global watched
    sys.path.insert(0, str(ROOT / "dags"))
    sys.addaudithook(watch)
    found = {}
    for path in sorted((ROOT / "dags").glob("*.py")):
        DagContext.autoregistered_dags.clear()
        DagContext.current_autoregister_module_name = path.stem
        watched, started = [], time.perf_counter()
        importlib.import_module(path.stem)
        seconds, seen, watched = time.perf_counter() - started, watched, None
        dags = {dag.dag_id: dag for dag, _ in DagContext.autoregistered_dags}
        found[path.name] = {
            "seconds": seconds,
            "accesses": seen,
            "dags": {dag_id: describe(dag) for dag_id, dag in dags.items()},
        }
    print(json.dumps(found, default=str))


main()
