"""The clock: which dates a night may have, and how it is moved back."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revlog.builds import clock
from revlog.builds.clock import DateRefused
from revlog.builds.judged import BuildRefused
from revlog.builds.published import Published
from revlog.commands.build import app as building
from revlog.commands.ingestion import app as ingestion
from revlog.commands.load import app as loading
from revlog.commands.night import app as nightly
from revlog.commands.warehouse import app
from revlog.config.settings import ROOT
from revlog.database.connections import connect
from revlog.ingestion import landing
from revlog.ingestion.storage import Denied
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.publication.publish import publish
from revlog.transform import build
from tests.integration.ingestion_landing import FEED, load, query, sale, sales
from tests.nights import finished_build

DAY = dt.date(2026, 2, 1)
LAST = DAY + dt.timedelta(days=7)
FAR = LAST + dt.timedelta(days=1)
MISTYPED = dt.date(2062, 2, 1)


@pytest.fixture()
def landed(fresh_database: Path) -> Path:
    """A file of DAY waits in the landing zone."""
    sales(fresh_database, "20260201", sale("A"))
    return fresh_database


def _written() -> list[tuple[int, ...]]:
    return query(
        "select (select count(*) from ops.file_ledger), (select count(*) from ops.builds),"
        " (select count(*) from ops.stage_runs), (select count(*) from ops.validation_results)"
    )


def test_a_night_may_be_a_week_past_the_newest_file_that_waits(landed: Path) -> None:
    clock.check(LAST, "loader")
    with pytest.raises(DateRefused, match="the newest is of 2026-02-01, and a night may be 7 days past it"):
        clock.check(FAR, "loader")


def test_a_file_of_the_ledger_counts_as_well(landed: Path) -> None:
    load()
    for file in (landed / "erp").iterdir():
        file.unlink()
    clock.check(LAST, "transformer")
    with pytest.raises(DateRefused, match="the newest is of 2026-02-01"):
        clock.check(FAR, "transformer")


def test_where_the_landing_zone_can_not_be_read_the_ledger_says_what_has_come(
    landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(until: dt.date) -> None:
        raise Denied("s3://zone refuses the login")

    monkeypatch.setattr(landing, "newest_date", denied)
    with pytest.raises(Denied, match="refuses the login"):
        clock.check(LAST, "transformer")
    load()
    clock.check(LAST, "transformer")
    with pytest.raises(DateRefused, match="the newest is of 2026-02-01"):
        clock.check(FAR, "transformer")


def test_the_bound_is_a_setting(landed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYS_PAST_NEWEST_FILE", "8")
    clock.check(FAR, "loader")


def test_a_date_before_all_files_is_a_backfill(landed: Path) -> None:
    clock.check(dt.date(2010, 12, 1), "loader")


def test_no_night_runs_past_tomorrow_and_a_file_that_is_dated_so_counts_for_none(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "today", lambda: DAY)
    sales(fresh_database, "20260203", sale("A"))
    with pytest.raises(DateRefused, match=r"2026-02-03 lies ahead: today is 2026-02-01 \(UTC\)"):
        clock.check(DAY + dt.timedelta(days=2), "loader")
    with pytest.raises(DateRefused, match="there is none at all"):
        clock.check(DAY + dt.timedelta(days=1), "loader")
    sales(fresh_database, "20260202", sale("B"))
    clock.check(DAY + dt.timedelta(days=1), "loader")


@pytest.mark.parametrize("date", [FAR, MISTYPED])
def test_whatever_is_called_with_such_a_date_ends_before_anything_is_written(
    landed: Path, date: dt.date
) -> None:
    for act in (
        lambda: stages.ingest(FEED, date.isoformat()),
        lambda: stages.begin_build(date.isoformat()),
        lambda: stages.whole_night(date.isoformat(), lambda line: None),
    ):
        with pytest.raises(NightFailed, match="Nothing was written"):
            act()
    for command, arguments in (
        (nightly, ["night", date.isoformat()]),
        (loading, [date.isoformat()]),
        (ingestion, ["reload", FEED, "x", date.isoformat()]),
        (building, ["--business-date", date.isoformat()]),
    ):
        done = CliRunner().invoke(command, arguments)
        assert (done.exit_code, "Nothing was written" in done.stderr) == (1, True), (arguments, done.output)
    assert _written() == [(0, 0, 0, 0)]


SHELF = [Published("shelf", "marts", ("id",))]


@pytest.fixture()
def moved(landed: Path) -> int:
    """A build of 2062 is published; returns another one, which is finished and not published."""
    load()
    with connect("transformer") as connection:
        connection.execute("create table build.shelf (id int primary key)")
    for date in (DAY, MISTYPED):
        publish(finished_build(date), SHELF)
    assert query("select ops.clock()") == [(MISTYPED,)]
    return finished_build(MISTYPED)


def _set_clock(date: dt.date, reason: str = "a slip of the hand") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["set-clock", date.isoformat(), "--reason", reason])
    return done.exit_code, done.stdout + done.stderr


def test_no_night_runs_by_a_clock_that_stands_wrong(moved: int) -> None:
    with pytest.raises(
        DateRefused, match=r"clock stands at 2062-02-01, .* set-clock 2026-02-02 --reason WHY"
    ):
        build.begin(DAY + dt.timedelta(days=1))


def test_after_it_is_set_back_nights_are_as_of_their_own_dates_again_and_the_first_computes_everything(
    moved: int,
) -> None:
    code, said = _set_clock(DAY)
    assert (code, said.splitlines()[0]) == (
        0,
        "the clock stands at 2026-02-01 (was 2062-02-01); the next night computes everything anew;"
        " builds that were not published and are given up: 1",
    )
    assert query("select business_date, reason, publication_id from ops.clock_settings") == [
        (DAY, "a slip of the hand", query("select max(publication_id) from ops.publications")[0][0])
    ]
    night = build.begin(DAY + dt.timedelta(days=1))
    assert (night.business_date, night.is_full_refresh) == (DAY + dt.timedelta(days=1), True)
    earlier = build.begin(DAY - dt.timedelta(days=3))
    assert earlier.business_date == DAY, "a backfill is as of the clock"
    publish(finished_build(DAY + dt.timedelta(days=2)), SHELF)
    assert query("select ops.clock()") == [(DAY + dt.timedelta(days=2),)]


def test_what_was_built_by_the_wrong_clock_is_not_published_any_more(moved: int) -> None:
    _set_clock(DAY)
    with pytest.raises(BuildRefused, match="it was given up"):
        publish(moved, SHELF)


@pytest.mark.parametrize(
    ("date", "reason", "why"),
    [
        (DAY, " ", "say why"),
        (FAR, "x", "no file is dated near 2026-02-09"),
    ],
)
def test_the_clock_is_set_for_a_reason_and_to_a_date_that_may_be(
    moved: int, date: dt.date, reason: str, why: str
) -> None:
    code, said = _set_clock(date, reason)
    assert code == 1 and why in said
    assert query("select count(*) from ops.clock_settings") == [(0,)]


def test_the_clock_is_only_moved_back(moved: int) -> None:
    _set_clock(DAY)
    code, said = _set_clock(DAY)
    assert code == 1 and "the clock stands at 2026-02-01: nights move it on" in said


def test_a_closed_period_must_be_over_by_the_clock(moved: int) -> None:
    with connect("admin") as connection:
        connection.execute(
            "create view finance.period_status as select * from (values"
            " ('2025-12', date '2025-12-31', 'closed'), ('2026-01', date '2026-01-31', 'closed'),"
            " ('2026-02', date '2026-02-28', 'closed')) as p (period, ends_on, status)"
        )
    code, said = _set_clock(DAY)
    assert code == 1
    assert "2026-02 would not be over by 2026-02-01" in said and "period reopen" in said


def test_the_clock_waits_for_a_night_that_is_under_way(moved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0")
    with connect("admin") as connection:
        connection.execute(
            "update ops.builds set may_rest = '1 hour', holder = 'Airflow, a run' where build_id = %s",
            [moved],
        )
    code, said = _set_clock(DAY)
    assert code == 1
    assert f"build {moved} of the night of 2062-02-01 is under way, begun by Airflow, a run" in said


def test_nothing_else_asks_what_day_it_is() -> None:
    asks = re.compile(r"date\.today\(\)|now\([^)]*\)\.date\(\)")
    folders = [p for p in ROOT.iterdir() if p.is_dir() and p.name != "tests" and not p.name.startswith(".")]
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(sources) > 100
    found = {str(path.relative_to(ROOT)) for path in sources if asks.search(path.read_text())}
    assert found == {"src/revlog/builds/clock.py"}
