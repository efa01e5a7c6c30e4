"""A range of dates is taken in as one night, or as one of each date that history is to keep."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from revlog.database.connections import connect
from revlog.night import stages
from revlog.transform import dbt_process
from simulator.company import Company
from simulator.run import simulate
from tests import shared_dbt
from tests.tables import Prints, fingerprints

FIRST, MONTH_END, LAST = dt.date(2026, 1, 29), dt.date(2026, 1, 31), dt.date(2026, 2, 1)


@pytest.fixture(scope="module")
def landing(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a history up to 29 January, and of three nights after it."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=300, seed=5,
            start=dt.date(2025, 10, 1), history_end=FIRST, nights=3, dirt=0,
        )
    )  # fmt: skip
    return database


@pytest.fixture(scope="module")
def by_month(landing: Path) -> tuple[Prints, list[str]]:
    """What a range leaves whose month's end is kept, and what was told."""
    told: list[str] = []
    started: list[Any] = []
    with pytest.MonkeyPatch.context() as patch, shared_dbt.none_shared():
        start = dbt_process.start
        patch.setattr(dbt_process, "start", lambda *a, **k: started.append(a) or start(*a, **k))
        stages.catch_up(str(FIRST), str(LAST), "months", lambda line: told.append(str(line)))
    assert len(started) == 1, "one dbt for the range"
    return _prints(), told


def test_history_keeps_the_end_of_the_month_and_the_last_date(by_month: tuple[Prints, list[str]]) -> None:
    assert _publications() == [MONTH_END, LAST]
    with connect("auditor") as connection:
        seen = connection.execute(
            "select max(period_date) from marts.kpi_daily_as_of(%s) where basis = 'SNAPSHOT'", [MONTH_END]
        ).fetchone()
    assert seen == (MONTH_END,)


def test_a_range_that_is_asked_for_again_does_only_its_last_night(by_month: tuple[Prints, list[str]]) -> None:
    told: list[str] = []
    stages.catch_up(str(FIRST), str(LAST), "months", lambda line: told.append(str(line)))
    assert told[0] == f"The night of {MONTH_END} is published"
    assert _publications() == [MONTH_END, LAST, LAST]


def test_one_night_of_the_whole_range_leaves_the_same(
    by_month: tuple[Prints, list[str]], landing: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(landing))
    stages.catch_up(str(FIRST), str(LAST), "last", lambda line: None)
    assert _publications() == [LAST]
    at_once = _prints()
    assert {table: prints for table, prints in by_month[0].items() if at_once.get(table) != prints} == {}


def _publications() -> list[dt.date]:
    with connect("auditor") as connection:
        found = connection.execute("select business_date from ops.publications order by publication_id")
        return [date for (date,) in found]


def _prints() -> Prints:
    """Published tables; histories and books say when, not what."""
    found = fingerprints("marts") | fingerprints("finance")
    of_books = ("histor", "publication", "kpi_changes")
    return {name: prints for name, prints in found.items() if not any(word in name for word in of_books)}
