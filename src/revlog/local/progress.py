"""How far `make run` is: its steps as they end, and about how long the others will take.

The time left is an estimate: what each step took in usual nights of this warehouse, or, before there is one,
in a run of 5,000 order lines, and both at the pace of the steps that ended last. Once told it counts down and
is told anew where the estimate has left it by a quarter: on a busy machine it jumps, and does not creep up.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from revlog.outputs.escaping import one_line

SOURCES = ("ingest_erp", "ingest_wms", "ingest_crm")
BUILD = (
    "begin", "gate_landed", "staging", "core", "gate_core", "marts", "gate_publish", "publish", "outbound",
    "report", "complete",
)  # fmt: skip
# Seconds of a task that are Airflow's: its start and its end.
AROUND = 2.0
# Of the steps before the nights, and of the end; measured like those below.
DATABASE, COMPANY, AIRFLOW, END = 6.0, 6.0, 24.0, 6.0
# Seconds of the work itself in the run that README.md shows: its history, and the night after it.
FIRST = {
    "ingest": 18.3, "begin": 0.9, "gate_landed": 2.6, "staging": 12.0, "core": 11.5, "gate_core": 1.0,
    "marts": 12.4, "gate_publish": 1.8, "publish": 1.5, "outbound": 0.1, "report": 0.8, "complete": 0.1,
}  # fmt: skip
LATER = {
    "ingest": 4.9, "begin": 0.9, "gate_landed": 1.2, "staging": 6.0, "core": 11.2, "gate_core": 0.8,
    "marts": 11.9, "gate_publish": 1.9, "publish": 0.8, "outbound": 0.1, "report": 0.7, "complete": 0.1,
}  # fmt: skip
# Of the last nights that were published, whole builds and others apart, as medians.
USUAL = """
with nights as (
    select p.business_date as night, b.started_at, p.published_at, b.is_full_refresh
    from ops.publications as p inner join ops.builds as b using (build_id)
    where b.is_full_refresh = %(is_first)s order by p.publication_id desc limit 7
), runs as (
    select n.night,
        case r.stage
            when 'gate' then 'gate_' || r.detail when 'dbt' then r.detail else r.stage
        end as step,
        max(r.finished_at) - min(r.started_at) as took
    from nights as n inner join ops.stage_runs as r on r.business_date = n.night and r.outcome = 'ok'
        and r.started_at > n.started_at - interval '6 hours' and r.stage <> 'night'
        and r.started_at < n.published_at + interval '10 minutes'
    group by 1, 2
)
select step, extract(epoch from percentile_cont(0.5) within group (order by took))::float
from runs group by step
"""
# Where the label of a line begins.
BEFORE_LABEL = 24
# How much of a run must have passed before its own pace counts as much as the usual one, in seconds.
TRUST = 20.0
# Usual seconds of the steps whose pace counts, the last that ended: a machine gets busy while it runs.
RECENT = 30.0
# The least part of the usual seconds that a step takes.
FASTEST = 0.1
# No more of a step than this has passed before it ends.
ALMOST = 0.9
# What is told holds until the estimate is off by more than this part of it.
AGAIN = 0.25


@dataclass(frozen=True)
class Step:
    """A part of the run, by its own name, and the seconds that it usually takes."""

    name: str
    seconds: float


def steps_of(night: dt.date, is_first: bool) -> list[Step]:
    """The steps of a night, in order, each called `night step`."""
    usual = (FIRST if is_first else LATER) | _usual(is_first)
    loads = [(source, usual["ingest"] / len(SOURCES)) for source in SOURCES]
    found = [*loads, *((name, usual[name]) for name in BUILD)]
    return [Step(f"{night} {name}", seconds + AROUND) for name, seconds in found]


def _usual(is_first: bool) -> dict[str, float]:
    import psycopg

    from revlog.config.settings import SettingsError
    from revlog.database.connections import connect

    try:
        with connect("auditor") as reader:
            return dict(reader.execute(USUAL, {"is_first": is_first}).fetchall())
    # An estimate is not worth a failure: there is no warehouse yet, or one of another version.
    except (psycopg.Error, SettingsError):
        return {}


@dataclass
class Progress:
    """Prints each step as it ends, and beneath them, on a terminal, a bar with the time left."""

    console: Console
    steps: list[Step] = field(default_factory=list)
    # By name, in the order in which they ended: when that was.
    ended: dict[str, float] = field(default_factory=dict)
    # When the run ends, as last told.
    told: float | None = None
    began: float = field(default_factory=lambda: time.monotonic())
    bar: Bar | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.bar = Bar(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps"),
                TextColumn("{task.fields[left]}"), console=self.console, transient=True,
            )  # fmt: skip
            self.bar.add_task("make run", total=None, left="")
            self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.stop()

    def plan(self, steps: Iterable[Step]) -> None:
        """Add steps that are still to come."""
        self.steps += steps
        self.told = None
        self.tick()

    def heading(self, text: str) -> None:
        """A line of its own: what begins now."""
        self._print(Text(one_line(text), style="bold"))

    def end(self, name: str, label: str = "", seconds: float | None = None) -> None:
        """A step has ended; told with its number and the time left where it has a label."""
        if name in self.ended:
            return
        self.ended[name] = time.monotonic()
        if label:
            number = f"{len(self.ended):>2}/{len(self.steps)}"
            self._line(number, "ok", label, seconds, self.left())
        self.tick()

    def note(self, state: str, label: str, seconds: float | None = None) -> None:
        """Something within a step, or what has not ended well."""
        self._line("", state, label, seconds)

    def left(self) -> str:
        """About how long the rest will take, in words; empty where nothing is left."""
        rest = self.seconds_left()
        if rest <= 0:
            return ""
        return "less than a minute left" if rest < 60 else f"about {math.ceil(rest / 60)} min left"

    def seconds_left(self) -> float:
        """Seconds up to the end as it was told last, or by the estimate where that has left it."""
        now, rest = time.monotonic(), self._estimate()
        if self.told is None or abs(self.told - now - rest) > AGAIN * rest:
            self.told = now + rest
        return self.told - now

    def _estimate(self) -> float:
        """Usual seconds of the steps to come, at the pace of those that ended last."""
        rest = [step.seconds for step in self.steps if step.name not in self.ended]
        if not rest:
            return 0.0
        pace, since = self._pace()
        return pace * (sum(rest) - min((time.monotonic() - since) / pace, ALMOST * rest[0]))

    def _pace(self) -> tuple[float, float]:
        """Seconds that a usual second took lately, and when the last step ended."""
        usual = {step.name: step.seconds for step in self.steps}
        names, times = list(self.ended), [self.began, *self.ended.values()]
        place = len(names)
        while place > 0 and sum(usual.get(name, 0.0) for name in names[place:]) < RECENT:
            place -= 1
        trust = TRUST if place == 0 else 0.0
        done = sum(usual.get(name, 0.0) for name in names[place:])
        return max((times[-1] - times[place] + trust) / (done + trust), FASTEST), times[-1]

    def tick(self) -> None:
        """Show on the bar how far it is."""
        if self.bar is not None:
            self.bar.update(
                self.bar.task_ids[0], total=len(self.steps), completed=len(self.ended), left=self.left()
            )

    def _line(self, number: str, state: str, label: str, seconds: float | None, left: str = "") -> None:
        took = "" if seconds is None else f"{seconds:.1f} s"
        style = {"ok": "green", "failed": "red"}.get(state, "yellow")
        text = Text.assemble(f"{number:>5} ", (f"{state:<7}", style), f"{took:>8}  ", one_line(label))
        width = min(self.console.width, 100)
        if left and text.cell_len + len(left) + 2 <= width:
            text.append(" " * (width - text.cell_len - len(left)) + left, style="dim")
        self._print(text, width, BEFORE_LABEL)

    def _print(self, text: Text, width: int | None = None, indent: int = 0) -> None:
        """The text, on further lines, indented, where the terminal ends."""
        width = width or self.console.width
        first, *rest = text.wrap(self.console, width) if text.cell_len > width else [text]
        if rest:
            tail = Text(" ").join(rest)
            rest = list(tail.wrap(self.console, width - indent))
        for number, line in enumerate((first, *rest)):
            line.rstrip()
            self.console.print(Text(" " * (indent if number else 0)) + line, no_wrap=True, crop=False)
