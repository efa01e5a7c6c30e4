"""A night that brings nothing beside its dbt's SQL, replayed over one connection; what its stages take."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processes
from benchmarks.nights import HISTORY_END, simulate
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.config.settings import settings
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.gates.acceptance import accept

STAGES = {
    "loading": "from revlog.night import stages; stages._ingest_all(DATE, print)",
    "gate landed": "from revlog.night import stages; stages.gate(BUILD, 'landed')",
    "dbt staging": "from revlog.night import stages; stages.transform(BUILD, 'staging')",
    "dbt core": "from revlog.night import stages; stages.transform(BUILD, 'core')",
    "gate core": "from revlog.night import stages; stages.gate(BUILD, 'core')",
    "dbt marts": "from revlog.night import stages; stages.transform(BUILD, 'marts')",
    "gate publish": "from revlog.night import stages; stages.gate(BUILD, 'publish')",
    "publish": "from revlog.night import stages; stages.publish(BUILD)",
    "report": "from revlog.night import stages; stages.report(DATE)",
}
# What a thread of dbt says of a statement; `discard all` between nodes is no node's.
STATEMENT = "SQLQuery"
ENDS = {"SQLCommit": "commit", "Rollback": "rollback", "RollbackFailed": "rollback"}


def measure(place: Path, lines: int) -> list[Row]:
    """CPU of the night, and of the same SQL alone; disk beside landed bytes; peak memory of each stage.

    Leaves the warehouse as the current one.
    """
    landing = place / f"quiet_{lines}"
    simulate(landing, lines, 1)
    fresh(f"bench_quiet_{lines}", landing)
    _night(HISTORY_END)
    _night(HISTORY_END + dt.timedelta(days=1))
    return [*_night_beside_its_sql(), _disk(landing, lines), *_peaks(4)]


def _night_beside_its_sql() -> list[Row]:
    night = _night(HISTORY_END + dt.timedelta(days=2))
    log = settings().var / "dbt" / "logs" / "dbt.log"
    log.unlink(missing_ok=True)
    _night(
        HISTORY_END + dt.timedelta(days=3),
        DBT_LOG_LEVEL_FILE="debug",
        DBT_LOG_FORMAT_FILE="json",
        DBT_LOG_FILE_MAX_BYTES="0",
    )
    transactions = _transactions(log)
    failed, alone = _replayed(transactions)
    statements = sum(map(len, transactions))
    what = f"a night with nothing new: CPU, beside its {statements:,} statements alone ({failed} failed)"
    published = _rows("select tables from ops.publications order by publication_id desc limit 1")
    rows = sum(counts["inserted"] for counts in published.values())
    return [
        Row(what, f"{night.both:.1f} s", f"{alone:.1f} s", night.both / alone, "<= 4"),
        Row("  of it the server's", f"{night.server:.1f} s", "of all", night.server / night.both, ""),
        Row("  rows published", f"{rows:,}", "dates of the night", float(rows), "falling"),
    ]  # fmt: skip


def _night(date: dt.date, **environment: str) -> processes.Cost:
    if date > HISTORY_END + dt.timedelta(days=1):
        for feed in feeds():
            accept(feed, date, "nothing landed")
    return processes.run(["-m", "revlog", "night", str(date)], **environment)


def _transactions(log: Path) -> list[list[str]]:
    """Statements of dbt's log by transaction, in the order in which these began; what one needs has ended."""
    open_ones: dict[str, list[str]] = {}
    found: list[list[str]] = []
    for line in log.read_text(encoding="utf-8").splitlines():
        told: dict[str, Any] = json.loads(line)
        event, thread = told["info"]["name"], told["info"]["thread"]
        if event in ENDS:
            open_ones.pop(thread, []).append(ENDS[event])
        if event != STATEMENT:
            continue
        statement = told["data"]["sql"]
        if thread not in open_ones or statement.rpartition("*/")[2].strip().upper() == "BEGIN":
            open_ones[thread] = ["begin"]
            found.append(open_ones[thread])
        if statement.rpartition("*/")[2].strip().upper() != "BEGIN":
            open_ones[thread].append(statement)
    return found


def _replayed(transactions: list[list[str]]) -> tuple[int, float]:
    """How many transactions failed, and CPU seconds of client and server for all of them."""
    failed = 0
    with connect("transformer", autocommit=True) as connection:
        server, started = processes.server_cpu(), time.process_time()
        for statements in transactions:
            try:
                for statement in statements:
                    connection.execute(statement.encode())
            except psycopg.Error:
                failed += 1
            # As between two nodes of dbt; one that only asked has nothing to commit.
            connection.execute("rollback")
        spent = time.process_time() - started
    return failed, spent + processes.server_cpu() - server


def _disk(landing: Path, lines: int) -> Row:
    landed = sum(file.stat().st_size for file in landing.rglob("*") if file.is_file())
    stored = processes.bytes_on_disk()
    what = f"database and write-ahead log on disk, {lines:,} order lines, beside landed bytes"
    return Row(what, f"{stored / 1e6:.0f} MB", f"{landed / 1e6:.1f} MB", stored / landed, "<= 12")


def _peaks(days: int) -> list[Row]:
    """Each stage in a process of its own, as in Airflow: its peak beside the largest."""
    date = str(HISTORY_END + dt.timedelta(days=days))
    for feed in feeds():
        accept(feed, dt.date.fromisoformat(date), "nothing landed")
    peaks: dict[str, float] = {}
    build = ""
    for name, code in STAGES.items():
        if name == "gate landed":
            build = str(_begun(date))
        asked = f"DATE = '{date}'; BUILD = {build or None}; {code}"
        peaks[name] = processes.run(["-c", asked]).peak / 1e6
    most = max(peaks.values())
    return [
        Row(f"  peak memory of {name}", f"{peak:.0f} MB", f"largest {most:.0f} MB", peak / most, "")
        for name, peak in peaks.items()
    ]


def _begun(date: str) -> int:
    processes.run(["-c", f"from revlog.night import stages; stages.begin_build('{date}', 'benchmark')"])
    return int(_rows("select max(build_id) from ops.builds"))


def _rows(query: str) -> Any:
    with connect("auditor") as connection:
        found = connection.execute(query).fetchone()
    assert found is not None
    return found[0]
