"""Which days a headline is of, and which it is compared with."""

from __future__ import annotations

import datetime as dt

import pytest

from revlog.reports.periods import Period, period_to_date


def _days(*days: str, final: int = 1) -> list[tuple[dt.date, int, int]]:
    return [(dt.date.fromisoformat(day), final, 1) for day in days]


@pytest.mark.parametrize(
    ("days", "period"),
    [
        (["2026-01-10", "2026-02-10"], "1–10 Feb 2026"),
        (["2026-01-10", "2026-02-01"], "Jan 2026"),
        (["2026-01-10", "2026-02-06"], "Jan 2026"),
        (["2026-01-10", "2026-02-07"], "1–7 Feb 2026"),
        (["2026-02-28"], "Feb 2026"),
        (["2026-02-03"], "None"),
        ([], "None"),
    ],
)
def test_a_period_is_the_month_to_date_once_it_has_seven_days(days: list[str], period: str) -> None:
    assert str(period_to_date(_days(*days))) == period


def test_a_month_says_nothing_while_more_than_a_tenth_of_it_is_open() -> None:
    january = _days(*(f"2026-01-{day:02}" for day in range(1, 19)))
    one_open = [*january, *_days("2026-01-19", "2026-01-20", final=0)]
    assert str(period_to_date(one_open)) == "1–20 Jan 2026", "18 of 20 are final"
    three_open = [*one_open, *_days("2026-01-21", final=0)]
    assert str(period_to_date(three_open)) == "1–20 Jan 2026", "of 21, 18 would be too few"


@pytest.mark.parametrize(
    ("last", "before"),
    [
        ("2026-02-10", "1–10 Jan 2026"),
        ("2026-03-30", "Feb 2026"),
        ("2026-02-28", "Jan 2026"),
        ("2026-03-31", "Feb 2026"),
        ("2026-01-15", "1–15 Dec 2025"),
    ],
)
def test_the_same_days_before(last: str, before: str) -> None:
    assert str(Period(dt.date.fromisoformat(last)).same_days_before()) == before
