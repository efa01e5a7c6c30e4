"""Files whose names tell no day: it is that of their last change, or the latest in a column."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from revlog.ingestion.landing import LandedFile, discover
from tests.unit.small_layout import contract

# 1 February 2026, 03:00 UTC: still 31 January in New York.
CHANGED = dt.datetime(2026, 2, 1, 3, tzinfo=dt.UTC).timestamp()
COLUMN = {"file": "export*.csv", "file_date": {"column": "Seen", "format": "%m/%d/%Y"}}


@pytest.fixture()
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDING_URL", str(tmp_path))
    return tmp_path


def _put(landing: Path, name: str, content: str = "key\n") -> None:
    (landing / name).write_text(content)
    os.utime(landing / name, (CHANGED, CHANGED))
    (landing / f"{name}.done").touch()


def _found(layout: dict[str, object], until: dt.date = dt.date(2026, 3, 1)) -> list[LandedFile]:
    return discover(contract(layout), until)


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-02-01"), ("America/New_York", "2026-01-31")])
def test_the_day_of_the_last_change_is_that_of_a_zone(landing: Path, zone: str, day: str) -> None:
    _put(landing, "export.csv")
    _put(landing, "other.csv")
    [file] = _found({"file": "export*.csv", "file_date": {"modified": zone}})
    assert str(file.business_date) == day


def test_the_latest_day_of_a_column_is_the_files(landing: Path) -> None:
    _put(landing, "export_1.csv", "key,Seen\na,01/05/2026\nb,01/20/2026\nc,\nd,12/31/2025\n")
    [file] = _found(COLUMN)
    assert (str(file.business_date), file.fault) == ("2026-01-20", None)


def test_a_file_waits_for_the_night_of_its_latest_day(landing: Path) -> None:
    _put(landing, "export_1.csv", "key,Seen\na,02/20/2026\n")
    assert _found(COLUMN, dt.date(2026, 2, 19)) == []
    assert len(_found(COLUMN, dt.date(2026, 2, 20))) == 1


def test_a_file_that_was_changed_later_belongs_to_the_day_that_it_tells(landing: Path) -> None:
    _put(landing, "export_1.csv", "key,Seen\na,01/20/2026\n")
    assert len(_found(COLUMN, dt.date(2026, 1, 20))) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("key,Seen\na,2026-01-20\n", "no_date: column Seen .* no date in the format %m/%d/%Y"),
        ("key,Seen at\na,01/20/2026\n", "no_date: column Seen.* is missing; near: Seen at"),
        ("", "empty_file"),
    ],
)
def test_a_file_that_tells_no_day_is_listed_with_the_reason(landing: Path, content: str, told: str) -> None:
    _put(landing, "export_1.csv", content)
    [file] = _found(COLUMN)
    with pytest.raises(Exception, match=told):
        raise file.fault or AssertionError("no fault")


def test_a_file_that_is_done_is_not_opened_again(landing: Path) -> None:
    _put(landing, "export_1.csv", "")
    [file] = discover(contract(COLUMN), dt.date(2026, 3, 1), lambda file: True)
    assert file.fault is None
