"""What `make run` shows while it works: steps by number, and a time left that follows its pace."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math

import pytest
from rich.console import Console

from revlog.local import progress, run
from revlog.local.progress import BUILD, SOURCES, Progress, Step, steps_of

DAY = dt.date(2026, 1, 31)


class Clock:
    """Seconds since the run began, set by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture()
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, "time", found)
    return found


def _shown(width: int = 80) -> tuple[Progress, io.StringIO]:
    file = io.StringIO()
    shown = Progress(Console(file=file, width=width, force_terminal=False, highlight=False))
    shown.plan([Step("a", 60), Step("b", 60), Step("c", 180)])
    return shown, file


def test_before_the_first_step_the_time_left_is_the_usual_one(clock: Clock) -> None:
    shown, _ = _shown()
    assert shown.left() == "about 5 min left"


def test_a_run_of_half_the_pace_takes_twice_as_long(clock: Clock) -> None:
    shown, _ = _shown()
    # 60 usual seconds have taken 140: with 20 on both sides that is twice the usual, of 240 that are left.
    clock.now = 140
    shown.end("a")
    assert shown.seconds_left() == 480
    assert shown.left() == "about 8 min left"


def test_the_time_left_counts_down_while_a_step_lasts(clock: Clock) -> None:
    shown, _ = _shown()
    clock.now = 60
    shown.end("a")
    told = []
    for clock.now in range(60, 120, 10):
        told.append(shown.seconds_left())
    assert told == [240, 230, 220, 210, 200, 190]


def test_a_step_that_does_not_end_is_not_said_to_end(clock: Clock) -> None:
    shown, _ = _shown()
    clock.now = 500
    # A tenth of the first of 60 seconds, and the others: by then nothing tells how slow the machine is.
    assert shown.seconds_left() == pytest.approx(6 + 240)


@pytest.mark.parametrize("slower", [1, 2, 4])
def test_the_time_left_jumps_where_a_machine_gets_busy_and_does_not_creep_up(
    clock: Clock, slower: int
) -> None:
    """40 steps of 10 seconds, the last 20 of them slower."""
    shown, _ = _shown()
    shown.steps.clear()
    shown.plan([Step(str(n), 10) for n in range(40)])
    told, errors = [], []
    total = 200 + 200 * slower
    for second in range(1, total + 1):
        clock.now = float(second)
        if second <= 200 and second % 10 == 0:
            shown.end(str(second // 10 - 1))
        if second > 200 and (second - 200) % (10 * slower) == 0:
            shown.end(str(19 + (second - 200) // (10 * slower)))
        told.append(math.ceil(shown.seconds_left() / 60))
        errors.append(abs(shown.seconds_left() - (total - second)))
    grew = [late for early, late in itertools.pairwise(told) if late > early]
    assert len(grew) <= (0 if slower == 1 else 3)
    assert max(errors[-100 * slower :]) <= 25 * slower, "a quarter of what is left in the last quarter"


def test_the_last_minute_is_told_as_such_and_the_end_not_at_all(clock: Clock) -> None:
    shown, _ = _shown()
    for name in ("a", "c"):
        shown.end(name)
    clock.now = 120
    assert shown.left() == "less than a minute left"
    shown.end("b")
    assert shown.left() == ""


def test_a_step_is_numbered_and_told_once_with_the_time_left(clock: Clock) -> None:
    shown, file = _shown()
    clock.now = 60
    shown.end("a", "staging", 12.94)
    shown.end("a", "staging", 12.94)
    (line,) = file.getvalue().splitlines()
    assert line.split() == ["1/3", "ok", "12.9", "s", "staging", "about", "4", "min", "left"]


@pytest.mark.parametrize("width", [60, 80])
def test_no_line_is_wider_than_the_terminal(width: int, clock: Clock) -> None:
    shown, file = _shown(width)
    shown.heading("a heading " * 20)
    shown.note("ok", "erp_sales_lines: 31 files, 5,123,456 rows loaded, 1,200 quarantined, 3 duplicate", 1.2)
    shown.end("a", "a step with a name that is longer than most terminals are wide " * 2, 1.0)
    lines = file.getvalue().splitlines()
    assert [line for line in lines if len(line) > width] == []
    words = file.getvalue().split()
    assert words.count("heading") == 20 and words.count("longer") == 2, "nothing is cut off"
    assert "1,200 quarantined, 3 duplicate" in " ".join(words)
    (second,) = [line for line in lines if line.endswith("duplicate")]
    assert second.startswith(" " * 24) and second[24] != " ", "beneath the text that it goes on with"


def test_what_a_feed_is_called_is_no_markup_and_forges_no_line(clock: Clock) -> None:
    shown, file = _shown()
    shown.note("failed", "[red]x[/]\n2/3 ok", 1.0)
    assert file.getvalue().splitlines() == ["      failed    1.0 s  [red]x[/]\\n2/3 ok"]


def test_a_night_has_the_steps_that_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_usual", lambda is_first: {"staging": 100.0})
    steps = {step.name.removeprefix(f"{DAY} "): step.seconds for step in steps_of(DAY, is_first=True)}
    assert list(steps) == [*SOURCES, *BUILD]
    assert steps["staging"] == 102.0, "what it usually takes here, and what Airflow needs around it"
    assert sum(steps[source] for source in SOURCES) == pytest.approx(18.3 + 3 * 2)


class Nights:
    """Airflow's answers about one night, look by look: what each DAG's tasks have come to."""

    def __init__(self, *looks: dict[str, list[dict[str, object]]]) -> None:
        self.looks = list(looks)

    def unpause(self, dag: str) -> None:
        """Nothing to turn on."""

    def runs(self, dag: str, date: str) -> list[dict[str, object]]:
        if dag == "build_marts" and len(self.looks) > 1:
            tasks = self.looks[0]["build_marts"]
        else:
            tasks = self.looks[0].get(dag, [])
        ended = bool(tasks) and all(task["state"] == "success" for task in tasks)
        return [{"dag_run_id": dag, "state": "success" if ended else "running"}]

    def tasks(self, dag: str, run_id: str) -> list[dict[str, object]]:
        found = self.looks[0].get(dag, [])
        # The build is looked at last.
        if dag == "build_marts" and len(self.looks) > 1:
            self.looks.pop(0)
        return found


def _task(task: str, state: str = "success", index: int = -1, label: str | None = None) -> dict[str, object]:
    return {
        "task_id": task, "map_index": index, "rendered_map_index": label, "state": state, "duration": 1.5,
    }  # fmt: skip


def test_a_night_is_told_step_by_step_and_each_task_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_usual", lambda is_first: {})
    monkeypatch.setattr(run.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(run.airflow, "stopped", list)
    landed = [_task("list_feeds"), _task("load", index=0, label="x: 1 file, 7 rows"), _task("landed")]
    sources = dict.fromkeys(SOURCES, landed)
    half = [_task(name) for name in BUILD[:5]] + [_task(name, "None") for name in BUILD[5:]]
    whole = [_task(name) for name in BUILD]
    api = Nights(sources | {"build_marts": half}, sources | {"build_marts": whole})
    file = io.StringIO()
    shown = Progress(Console(file=file, width=80, force_terminal=False, highlight=False))
    shown.plan(steps_of(DAY, is_first=True))
    run.run_night(api, DAY, shown)  # type: ignore[arg-type]
    lines = file.getvalue().splitlines()
    assert lines[0] == f"Night of {DAY}"
    numbered = [line.split() for line in lines if "/14" in line]
    assert [words[0] for words in numbered] == [f"{n}/14" for n in range(1, 15)]
    assert [" ".join(w.split("  ")[-1].split()) for w in lines if "x: 1 file" in w] == [
        "x: 1 file, 7 rows"
    ] * 3
    assert shown.left() == ""
