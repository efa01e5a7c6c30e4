"""Whole runs: a night through Airflow beside the CLI, `make run` beside another commit, `make test`."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import processes
from benchmarks.nights import HISTORY_END, simulate
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.config.settings import ROOT, process_environment

NIGHT = HISTORY_END + dt.timedelta(days=1)
MAKE_TEST_SECONDS = 15 * 60
# How long the night took, from its first stage to its last.
TOOK = """
import datetime as dt
from revlog.database import server
from revlog.database.connections import connect
server.start()
with connect("auditor") as connection:
    query = "select extract(epoch from finished_at - started_at) from ops.stage_runs"
    found = connection.execute(query + " where stage = 'night' and business_date = %s", [dt.date({date})])
    print(found.fetchone()[0])
server.stop()
"""


def airflow(place: Path, lines: int) -> list[Row]:
    """The second night of one company, through Airflow's scheduler and from the command line."""
    through = _make_run(place, ROOT, lines)
    seconds = _night_took(place / f"run_{ROOT.name}")
    landing = place / f"cli_{lines}"
    simulate(landing, lines, 1)
    fresh(f"bench_cli_{lines}", landing)
    processes.run(["-m", "revlog", "night", str(HISTORY_END)])
    beside = processes.run(["-m", "revlog", "night", str(NIGHT)]).seconds
    ratio = seconds / beside
    return [
        Row("a night through Airflow beside the CLI", f"{seconds:.1f} s", f"{beside:.1f} s", ratio, "<= 1.5"),
        Row("  make run, two nights", f"{through:.0f} s", f"{seconds:.0f} s", through / seconds, ""),
    ]


def make_run(place: Path, lines: int, commit: str) -> list[Row]:
    """Two nights with all that starts them, beside those of another commit; environments excluded."""
    ours = _make_run(place, ROOT, lines)
    other = place / f"tree_{commit}"
    other.mkdir()
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, capture_output=True)
    subprocess.run(["tar", "x", "-C", str(other)], input=packed.stdout, check=True)
    beside = _make_run(place, other, lines)
    what = f"make run, {lines:,} order lines, two nights, beside {commit}"
    return [Row(what, f"{ours:.0f} s", f"{beside:.0f} s", ours / beside, "<= 0.35")]


def tests(path: str) -> list[Row]:
    """Seconds of the tests below `path`, on as many workers as `make test` has."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", path],
        cwd=ROOT,
        env=process_environment(),
        check=True,
    )
    seconds = time.perf_counter() - started
    return [
        Row(f"make test of {path}", f"{seconds:.0f} s", "15 minutes", seconds / MAKE_TEST_SECONDS, "<= 1")
    ]


def _make_run(place: Path, tree: Path, lines: int) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "revlog", "local", "run", "--order-lines", str(lines), "--nights", "1"],
        cwd=tree, env=_environment(place, tree), check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - started


def _night_took(var: Path) -> float:
    code = TOOK.replace("{date}", f"{NIGHT.year}, {NIGHT.month}, {NIGHT.day}")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(var.parent, ROOT),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def _environment(place: Path, tree: Path) -> dict[str, str]:
    """A warehouse and ports of its own for a run of a tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REVLOG_")}
    return kept | {
        "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "REVLOG_ENV_FILE": os.devnull,
        "REVLOG_VAR": str(place / f"run_{tree.name}"), "REVLOG_PORT": "0",
    }  # fmt: skip
