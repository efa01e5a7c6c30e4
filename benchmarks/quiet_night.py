"""A night that brings nothing beside the SQL of its layers, sent over one connection; its stages' memory."""

from __future__ import annotations

import datetime as dt
import time
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.nights import HISTORY_END, simulate
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.config.settings import settings
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.gates.acceptance import accept
from revlog.transform import build, plan

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


def measure(place: Path, lines: int) -> list[Row]:
    """CPU of the night, and of the same SQL alone; disk beside landed bytes; peak memory of each stage.

    Leaves the warehouse as the current one.
    """
    landing = place / f"quiet_{lines}"
    simulate(landing, lines, 1)
    fresh(f"bench_quiet_{lines}", landing)
    _night(HISTORY_END)
    # The first night after it makes what only nights need; the second, which dbt renders, is as all others.
    _night(HISTORY_END + dt.timedelta(days=1))
    rendered = _night(HISTORY_END + dt.timedelta(days=2))
    return [*_night_beside_its_sql(rendered), _disk(landing, lines), *_peaks(4)]


def _night_beside_its_sql(rendered: processes.Cost) -> list[Row]:
    night = _night(HISTORY_END + dt.timedelta(days=3))
    statements, alone = _sent_alone(_newest_plans())
    what = f"a night with nothing new: CPU, beside its {statements:,} statements alone"
    published = _rows("select tables from ops.publications order by publication_id desc limit 1")
    rows = sum(counts["inserted"] for counts in published.values())
    return [
        Row(what, f"{night.both:.1f} s", f"{alone:.1f} s", night.both / alone, "<= 4"),
        Row("  of it the server's", f"{night.server:.1f} s", "of all", night.server / night.both, ""),
        Row("  by the clock", f"{night.seconds:.1f} s", "CPU", night.seconds / night.both, ""),
        Row("  beside the same, rendered by dbt", f"{night.both:.1f} s", f"{rendered.both:.1f} s",
            night.both / rendered.both, ""),
        Row("  rows published", f"{rows:,}", "dates of the night", float(rows), "falling"),
    ]  # fmt: skip


def _night(date: dt.date, **environment: str) -> processes.Cost:
    if date > HISTORY_END + dt.timedelta(days=1):
        for feed in feeds():
            accept(feed, date, "nothing landed")
    return processes.run(["-m", "revlog", "night", str(date)], **environment)


def _newest_plans() -> list[plan.Plan]:
    """Those of the layers of a night, which the night has just sent."""
    files = [build.plan_file(build.command(layer, is_full=False)) for layer in build.LAYERS]
    return [planned for file in files if (planned := plan.read(file, settings().var / "dbt" / "target"))]


def _sent_alone(plans: list[plan.Plan]) -> tuple[int, float]:
    """How many statements, and CPU seconds of client and server, of all nodes one after the other."""
    database = _rows("select current_database()")
    row = _rows("select row_to_json(b) from ops.builds as b order by build_id desc limit 1")
    texts = [
        [planned.sql(s.sql, database, row) for s in planned.nodes[name].statements if s.sql]
        for planned in plans
        for name in TopologicalSorter({n: node.waits_for for n, node in planned.nodes.items()}).static_order()
    ]
    with connect("transformer", autocommit=True, prepare_threshold=None) as connection:
        server, started = processes.server_cpu(), time.process_time()
        for node in texts:
            connection.execute("begin")
            for text in node:
                if text != plan.BEGIN:
                    connection.execute(text.encode())
            connection.execute("rollback")
            connection.execute("discard all")
        spent = time.process_time() - started + processes.server_cpu() - server
    return sum(map(len, texts)), spent


def _disk(landing: Path, lines: int) -> Row:
    """What stays: the log of a burst is there until the next checkpoint, five minutes later at the latest."""
    with connect("admin", autocommit=True) as connection:
        connection.execute("checkpoint")
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
