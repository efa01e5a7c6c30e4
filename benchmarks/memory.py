"""Peak memory of loading a file and one ten times as large, each in a process of its own."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import sales_file
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.config.settings import ROOT, process_environment

DATE = dt.date(2026, 1, 31)
LOAD = """
import datetime as dt, pathlib, re, resource, sys
from revlog.ingestion.load import load_feed
result = load_feed("erp_sales_lines", dt.date(2026, 1, 31))
assert result.files[0].status == "loaded", result
status = pathlib.Path("/proc/self/status")
if status.exists():  # ru_maxrss begins with the peak of the process that started this one
    print(int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1e3)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def measure(place: Path, rows: int) -> list[Row]:
    """Megabytes at `rows` and at ten times as many."""
    small, large = (_peak(place, count) for count in (rows, 10 * rows))
    return [
        Row(
            f"peak memory, {10 * rows:,} rows beside {rows:,}",
            f"{large:.0f} MB",
            f"{small:.0f} MB",
            large / small,
            "<= 1.5",
        )
    ]


def _peak(place: Path, rows: int) -> float:
    landing = place / f"memory_{rows}"
    sales_file.write(landing, DATE, rows)
    fresh(f"bench_memory_{rows}", landing)
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env=process_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    shutil.rmtree(landing)
    return float(done.stdout)
