"""Seconds to import each DAG file, in a process of its own, less Airflow's own import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.report import Row
from revlog.config.settings import IMPORTS, ROOT, process_environment

IMPORT = """
import importlib.util, sys, time
import airflow.sdk
started = time.perf_counter()
spec = importlib.util.spec_from_file_location("dag_file", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(time.perf_counter() - started)
"""


def measure() -> list[Row]:
    """One row a file; the ratio is to the second that is allowed."""
    files = [p for p in sorted((ROOT / "dags").glob("*.py")) if not p.name.startswith("_")]
    return [_row(path) for path in files]


def _row(path: Path) -> Row:
    # The second import is the usual one: the scheduler has compiled the files before.
    seconds = [_seconds(path) for _ in range(2)][-1]
    return Row(f"import of dags/{path.name}", f"{seconds:.2f} s", "1 s", seconds, "<= 1")


def _seconds(path: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(path)],
        env=process_environment() | {"PYTHONPATH": f"{IMPORTS}:{ROOT / 'dags'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.strip().splitlines()[-1])
