"""Dates and times out of text, and local times to UTC."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from revlog.values.times import (
    EARLIEST_YEAR,
    as_dates,
    as_timestamps,
    check_format,
    parse_fixed,
    parse_iso_offset,
    range_fault,
    to_utc,
)

GERMAN = "%d.%m.%Y %H:%M:%S"


def _fixed(text: str | None, form: str = GERMAN) -> dt.datetime | None:
    micros, valid = parse_fixed(pa.array([text, None], pa.string()), form)
    return as_timestamps(micros, valid)[0].as_py()


def _iso(text: str) -> dt.datetime | None:
    # Others beside it, so that texts of several lengths are sorted out.
    micros, valid = parse_iso_offset(pa.array([text, None, "x", "2025-01-01T00:00:00Z"]))
    return as_timestamps(micros, valid)[0].as_py()


@given(st.datetimes(min_value=dt.datetime(1900, 1, 1), max_value=dt.datetime(2200, 1, 1)))
def test_every_time_survives_being_written_and_read(moment: dt.datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=dt.UTC)
    assert _fixed(whole.strftime(GERMAN)) == whole
    assert _iso(moment.replace(tzinfo=dt.UTC).isoformat(timespec="microseconds")) == moment.replace(
        tzinfo=dt.UTC
    )


@pytest.mark.parametrize(
    "text",
    ["29.02.2025 10:00:00", "31.04.2025 10:00:00", "00.01.2025 10:00:00", "01.13.2025 10:00:00",
     "01.01.2025 24:00:00", "01.01.2025 10:60:00", "1.1.2025 10:00:00", "01.01.2025 10:00:00 ",
     "01/01/2025 10:00:00", "01.01.25 10:00:00", "01.01.2025", "", "0x.01.2025 10:00:00"],
)  # fmt: skip
def test_an_impossible_or_otherwise_written_time_is_refused(text: str) -> None:
    assert _fixed(text) is None


def test_leap_days_are_days() -> None:
    assert _fixed("29.02.2024", "%d.%m.%Y") == dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
    assert _fixed("29.02.2000", "%d.%m.%Y") is not None
    assert _fixed("29.02.2100", "%d.%m.%Y") is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [("2025-03-01T10:00:00Z", "2025-03-01T10:00:00+00:00"),
     ("2025-03-01T10:00:00+02:00", "2025-03-01T08:00:00+00:00"),
     ("2025-03-01T10:00:00.5-05:30", "2025-03-01T15:30:00.500000+00:00"),
     ("2025-03-01T10:00:00.1234567Z", "2025-03-01T10:00:00.123456+00:00"),
     ("2025-03-01T10:00:00", None), ("2025-03-01 10:00:00Z", None), ("2025-03-01T10:00Z", None),
     ("2025-03-01T10:00:00.Z", None), ("2025-03-01T10:00:00+0200", "2025-03-01T08:00:00+00:00"),
     ("2025-03-01T10:00:00+02", "2025-03-01T08:00:00+00:00"),
     ("2025-03-01T10:00:00+25:00", None), ("2025-03-01T10:00:00z", None)],
)  # fmt: skip
def test_instants_carry_an_offset(text: str, utc: str | None) -> None:
    found = _iso(text)
    assert (found and found.isoformat()) == utc


@pytest.mark.parametrize(
    ("local", "gap", "overlap", "utc"),
    [
        # 30 March 2025: 02:00 to 03:00 does not exist; 26 October: it exists twice.
        ("30.03.2025 01:59:59", "quarantine", "quarantine", "2025-03-30T00:59:59+00:00"),
        ("30.03.2025 02:30:00", "shift_forward", "first", "2025-03-30T01:00:00+00:00"),
        ("30.03.2025 02:30:00", "quarantine", "first", None),
        ("26.10.2025 02:30:00", "shift_forward", "first", "2025-10-26T00:30:00+00:00"),
        ("26.10.2025 02:30:00", "shift_forward", "second", "2025-10-26T01:30:00+00:00"),
        ("26.10.2025 02:30:00", "shift_forward", "quarantine", None),
    ],
)
def test_local_times_follow_the_zone_rule(local: str, gap: str, overlap: str, utc: str | None) -> None:
    micros, valid = parse_fixed(pa.array([local]), GERMAN)
    placed, lost = to_utc(micros, valid, "Europe/Berlin", gap, overlap)
    found = as_timestamps(placed, valid & ~lost)[0].as_py()
    assert (found and found.isoformat()) == utc


def test_years_outside_1990_to_2100_are_faults() -> None:
    texts = ["31.12.1989", "01.01.1990", "31.12.2100", "01.01.2101"]
    micros, valid = parse_fixed(pa.array(texts), "%d.%m.%Y")
    assert range_fault(micros, valid).tolist() == [True, False, False, True]


def test_dates_before_1970_are_the_day_they_say() -> None:
    micros, valid = parse_fixed(pa.array(["31.12.1969"]), "%d.%m.%Y")
    assert as_dates(micros, valid)[0].as_py() == dt.date(1969, 12, 31)


def test_a_directive_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="%U"):
        check_format("%U %Y")


def test_the_calendar_begins_with_the_earliest_date_that_is_loaded() -> None:
    project = yaml.safe_load(Path("dbt_project/dbt_project.yml").read_text())
    assert project["vars"]["calendar_start"] == f"{EARLIEST_YEAR}-01-01"
