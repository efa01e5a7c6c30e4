"""Equal nights, of sales alone, on a history and on one ten times as large, and a usual one; no Airflow."""

from __future__ import annotations

import datetime as dt
import functools
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks import advice
from benchmarks.report import Row
from benchmarks.workplace import fresh
from revlog.builds import judged
from revlog.config.settings import ROOT, process_environment
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.gates.acceptance import accept
from revlog.gates.docs import Stage
from revlog.gates.judging import judge
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from revlog.transform import build

START, HISTORY_END = dt.date(2025, 1, 1), dt.date(2026, 1, 31)
# dbt renders the first night after a full build, and may render the next; those after are sent as planned.
FIRST_NIGHTS, NIGHT, USUAL_NIGHT = (
    [HISTORY_END + dt.timedelta(days=days) for days in (1, 2)],
    *(HISTORY_END + dt.timedelta(days=days) for days in (3, 4)),
)
T = TypeVar("T")


@dataclass
class Stages:
    """Seconds by stage of one run."""

    seconds: dict[str, float] = field(default_factory=dict)
    # What advice takes of it, where that was asked.
    advice: list[Row] = field(default_factory=list)

    def time(self, name: str, work: Callable[[], T]) -> T:
        """Run `work` and add its seconds to the stage `name`; returns what it returned."""
        started = time.perf_counter()
        found = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        return found

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


def measure(place: Path, history: int, night: int) -> list[Row]:
    """Seconds of one night of `night` order lines on `history` lines, and on ten times as many.

    Then those of a night on the larger one that brings what belongs to its order lines, from all feeds, and
    what of it advice takes. Leaves the larger warehouse as the current one.
    """
    small = _run(place, history, night)
    few = _night_rows(NIGHT)
    large = _run(place, 10 * history, night)
    title = (
        f"a night of {night:,} order lines on {10 * history:,} ({_night_rows(NIGHT):,} rows in all"
        f" feeds) beside {history:,} ({few:,} rows)"
    )
    rows = [Row(title, f"{large.total:.1f} s", f"{small.total:.1f} s", large.total / small.total, "<= 1.15")]
    for stage, seconds in large.seconds.items():
        beside = small.seconds[stage]
        rows.append(Row(f"  {stage}", f"{seconds:.1f} s", f"{beside:.1f} s", seconds / beside, ""))
    usual = run_night(USUAL_NIGHT, is_advice_asked=True)
    what = f"a usual night of {night:,} order lines on it ({_night_rows(USUAL_NIGHT):,} rows in all feeds)"
    return [
        *rows,
        Row(what, f"{usual.total:.1f} s", f"sales alone {large.total:.1f} s", usual.total / large.total, ""),
        *usual.advice,
    ]


def _run(place: Path, history: int, night: int) -> Stages:
    landing = place / f"history_{history}"
    simulate(landing, history, 4, "--night-order-lines", str(night))
    # Returns follow old sales: a larger history would bring more of them.
    for date in (*FIRST_NIGHTS, NIGHT):
        for file in landing.rglob(f"*{date:%Y%m%d}*"):
            if not file.name.startswith("erp_sales_lines"):
                file.unlink()
    fresh(f"bench_history_{history}", landing)
    run_night(HISTORY_END)
    for date in (*FIRST_NIGHTS, NIGHT, USUAL_NIGHT):
        for feed in feeds():
            accept(feed, date, "sales alone, or more than on the nights of sales alone")
    for date in FIRST_NIGHTS:
        run_night(date)
    return run_night(NIGHT)


def _night_rows(date: dt.date) -> int:
    with connect("auditor") as connection:
        row = connection.execute(
            "select sum(rows_parsed) from ops.file_ledger where run_date = %s", [date]
        ).fetchone()
    return int(row[0]) if row else 0


def simulate(landing: Path, history: int, nights: int, *options: str) -> None:
    """Exports of a company of `history` order lines, up to HISTORY_END and `nights` more."""
    subprocess.run(
        [
            sys.executable, "-m", "simulator", "--order-lines", str(history), "--seed", "7",
            "--out", str(landing), "--truth", str(landing.with_name(f"{landing.name}_truth")),
            "--start", str(START), "--history-end", str(HISTORY_END), "--nights", str(nights),
            *options,
        ],
        env=process_environment(), cwd=ROOT,
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def run_night(date: dt.date, is_advice_asked: bool = False) -> Stages:
    """A whole night, with the seconds of each of its stages; and what of them advice takes, if asked."""
    stages = Stages()

    def gate(stage: Stage) -> None:
        stages.time(f"gate {stage}", lambda: judge(build_id, stage))

    stages.time("ingestion", lambda: [load_feed(feed, date) for feed in feeds()])
    build_id = build.begin(date).build_id
    gate("landed")
    for layer in build.LAYERS:
        if layer == "marts":
            gate("core")
        stages.time(f"dbt {layer}", functools.partial(build.run_layer, build_id, layer))
    marts = advice.measure(build_id) if is_advice_asked else None
    gate("publish")
    judged.finish(build_id)
    held = stages.time("publish", lambda: publish(build_id)).held
    assert not held, f"{date}: {', '.join(held)} held back"
    if marts:
        stages.advice = marts.beside(stages.total - stages.seconds["dbt marts"])
    return stages
