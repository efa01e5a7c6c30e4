"""From the landed files of a whole history to published marts, beside DuckDB on the same files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.nights import HISTORY_END, simulate
from benchmarks.report import Row
from benchmarks.workplace import fresh
from ingestion.contract import feeds
from ingestion.load import load_feed
from warehouse import build
from warehouse.connections import connect
from warehouse.publish import publish
from warehouse.settings import ROOT, process_environment

UNITS = """
    select sum(numerator), sum(denominator) from marts.kpi_daily
    where kpi = 'product_return_rate' and basis = 'RETURN'
"""


def measure(place: Path, history: int) -> list[Row]:
    """Seconds of a full rebuild and of the rival's four KPIs; both must count the same units.

    The company is a clean one: the rival has no answer to a bad row.
    """
    landing = place / "rebuild"
    simulate(landing, history, 0, "--dirt", "0")
    fresh("bench_rebuild", landing)
    rival = _rival(landing)
    started = time.perf_counter()
    for feed in feeds():
        load_feed(feed, HISTORY_END)
    build.begin(HISTORY_END)
    for layer in build.LAYERS:
        build.run_layer(layer)
    build.finish()
    tables = len(publish(HISTORY_END).tables)
    ours = time.perf_counter() - started
    with connect("auditor") as connection:
        units = connection.execute(UNITS).fetchone()
    assert units is not None
    assert tuple(map(int, units)) == (rival["returned_units"], rival["shipped_units"]), (units, rival)
    return [
        Row(
            f"{history:,} order lines: checked, kept, {tables} tables published; beside four KPIs",
            f"{ours:.1f} s", f"DuckDB {rival['seconds']:.2f} s", ours / rival["seconds"], "falling",
        )
    ]  # fmt: skip


def _rival(landing: Path) -> dict[str, float]:
    script = Path(__file__).with_name("duckdb_rival.py")
    done = subprocess.run(
        [sys.executable, str(script), str(landing), str(ROOT / "dbt_project" / "seeds")],
        env=process_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
