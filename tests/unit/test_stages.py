"""What a night without an orchestrator does in which order."""

from __future__ import annotations

import datetime as dt

import pytest

from revlog.night import stages
from revlog.night.errors import ConnectionBroken, NightFailed


@pytest.mark.parametrize("report", ["works", "fails"])
def test_a_night_that_stops_writes_its_page_and_ends_with_what_stopped_it(
    monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    done: list[str] = []

    def step(name: str, error: str = "") -> object:
        def run(*given: object, **more: object) -> str:
            done.append(name)
            if error:
                raise NightFailed(error)
            return name

        return run

    for name in ("_ingest_all", "sweep", "begin_build", "gate", "publish", "complete"):
        monkeypatch.setattr(stages, name, step(name))
    monkeypatch.setattr(stages, "transform", step("transform", "model x broke"))
    monkeypatch.setattr(stages, "report", step("report", "no room" if report == "fails" else ""))
    with pytest.raises(NightFailed, match="model x broke"):
        stages._whole_night("2026-01-31", print, full_refresh=False)
    assert done == ["_ingest_all", "sweep", "begin_build", "gate", "transform", "report"]


def test_a_night_whose_others_can_not_be_told_ends_whole_and_then_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    for name in ("_ingest_all", "sweep", "begin_build", "gate", "transform", "publish", "report", "complete"):
        monkeypatch.setattr(stages, name, lambda *given, name=name, **more: done.append(name) or name)

    def away() -> str:
        raise ConnectionBroken("the CRM does not answer")

    monkeypatch.setattr(stages, "tell_others", away)
    with pytest.raises(ConnectionBroken, match="the CRM does not answer"):
        stages._whole_night("2026-01-31", print, full_refresh=False)
    assert done[-3:] == ["publish", "report", "complete"]


@pytest.mark.parametrize(
    ("keep", "dates"),
    [
        ("last", ["2026-03-02"]),
        ("months", ["2026-01-31", "2026-02-28", "2026-03-02"]),
        ("days", [*(f"2026-01-{day}" for day in (30, 31)), *(f"2026-02-{n:02}" for n in range(1, 29)),
                  "2026-03-01", "2026-03-02"]),
    ],
)  # fmt: skip
def test_a_range_has_a_night_of_its_last_date_and_of_what_history_keeps(
    keep: stages.Keep, dates: list[str]
) -> None:
    found = stages.nights_of(dt.date(2026, 1, 30), dt.date(2026, 3, 2), keep)
    assert [str(date) for date in found] == dates
