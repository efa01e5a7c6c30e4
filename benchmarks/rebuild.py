"""From the landed files of a whole history to published marts, beside DuckDB on the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.nights import HISTORY_END, run_night, simulate
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.companies import seeds
from revlog.config.settings import process_environment, settings
from revlog.database.connections import connect
from revlog.transform import tables

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
    # The rival judges nothing, so what the gates take is not compared.
    seconds = run_night(HISTORY_END).seconds
    ours = sum(taken for stage, taken in seconds.items() if not stage.startswith("gate"))
    published = len(tables.published_tables())
    with connect("auditor") as connection:
        units = connection.execute(UNITS).fetchone()
        rows = connection.execute("select sum(rows_parsed) from ops.file_ledger").fetchone()
    assert units is not None and rows is not None
    assert tuple(map(int, units)) == (rival["returned_units"], rival["shipped_units"]), (units, rival)
    return [
        Row(
            f"{history:,} order lines: checked, kept, {published} tables published; beside four KPIs",
            f"{ours:.1f} s", f"DuckDB {rival['seconds']:.2f} s", ours / rival["seconds"], "falling",
        ),
        Row(
            f"the same for each million of raw rows ({rows[0]:,})", f"{ours:.1f} s", "1,000,000 rows",
            ours / (float(rows[0]) / 1e6), "falling",
        ),
    ]  # fmt: skip


def _rival(landing: Path) -> dict[str, float]:
    script = Path(__file__).with_name("duckdb_rival.py")
    done = subprocess.run(
        [sys.executable, str(script), str(landing), str(seeds.write_seeds(settings().var / "rival_seeds"))],
        env=process_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
