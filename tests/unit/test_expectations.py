"""What the gates decide without a database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from revlog.contracts.contract import all_feeds, load_contract
from revlog.gates.asset import WARNING, no_rows
from revlog.gates.night import File, _is_count_of_a_day, _nightly_dates
from revlog.gates.results import CheckResult, plain
from revlog.gates.usual import LEAST_DAYS, earliest_usual_end, usual

MONDAY = dt.date(2026, 3, 2)


def _usual(rows: list[int], day: dt.date = MONDAY) -> tuple[float, float] | None:
    """What is usual on `day` after days in a row that end on the day before."""
    return usual({day - dt.timedelta(days=len(rows) - n): count for n, count in enumerate(rows)}, day)


def test_a_short_past_says_nothing_about_what_is_usual() -> None:
    assert _usual([100] * (LEAST_DAYS - 1)) is None


def test_half_of_a_steady_thousand_is_unusual() -> None:
    low, high = _usual([1000, 1010, 990, 1005, 995]) or (0, 0)
    assert 500 < low <= 600 and high >= 3000


def test_a_feed_of_ten_rows_a_day_may_have_any_number() -> None:
    low, _ = _usual([10, 12, 8, 9, 11]) or (1, 1)
    assert low == 0


def test_a_feed_with_quiet_weekends_is_not_held_for_one() -> None:
    low, _ = _usual([1000, 400, 450, 900, 950, 1100, 500]) or (1000, 0)
    assert low < 400


def test_a_whole_day_is_not_held_where_days_differ() -> None:
    """Days of a shop; the second Sunday had 1,439, and the first says nothing about it."""
    shop = [3082, 2065, 2188, 2709, 3829, 2929, 2574, 2818, 2688]
    assert _usual(shop, dt.date(2010, 12, 12)) == (0.35 * 2065 // 1, 3 * 2709)
    for rows in (shop[1:], shop[2:], shop[3:]):
        assert (_usual(rows, dt.date(2010, 12, 12)) or (9999, 0))[0] < 1439


def test_a_rest_day_is_compared_with_its_like() -> None:
    weeks = [1000, 1010, 990, 1005, 995, 700, 200] * 4
    sunday = MONDAY + dt.timedelta(days=6)
    assert (_usual(weeks[:-1], sunday) or (0, 0))[0] == 0.6 * 200
    # A weekday as low as a Sunday is not usual for being one.
    assert (_usual(weeks) or (0, 0))[0] >= 500


def test_what_fell_in_the_year_before_at_this_time_may_fall_again() -> None:
    last, this = dt.date(2024, 12, 26), dt.date(2025, 12, 25)
    year = {last + dt.timedelta(days=n): 400 if n >= 0 else 1000 for n in range(-31, 4)}
    past = year | {this - dt.timedelta(days=n): 1000 for n in range(28, 0, -1)}
    assert usual(past, this) == (0.4 * 600, 3000)
    rising = {day: 1000 if rows == 400 else 400 for day, rows in year.items()}
    _, high = usual(rising | {this - dt.timedelta(days=n): 1000 for n in range(28, 0, -1)}, this) or (0, 0)
    assert high == 2.5 * 3000


def test_a_short_past_does_not_tell_when_a_day_ends() -> None:
    assert earliest_usual_end([1000.0] * (LEAST_DAYS - 1)) is None


def test_a_day_may_end_three_quarters_of_an_hour_before_the_earliest_of_steady_days() -> None:
    assert earliest_usual_end([1050, 1060, 1040, 1055, 1045]) == 1040 - 45


def test_a_day_may_end_earlier_where_days_end_at_any_hour() -> None:
    assert earliest_usual_end([600, 1200, 900, 1100, 800]) == 600 - 150


def test_a_run_that_brings_many_days_is_a_history_and_not_compared() -> None:
    day, run = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
    history = [File(n, "f", "n", day + dt.timedelta(days=n), "loaded", 1, run) for n in range(20)]
    night = File(99, "f", "n", dt.date(2026, 2, 2), "loaded", 1, dt.date(2026, 2, 2))
    assert _nightly_dates([*history, night]) == [dt.date(2026, 2, 2)]


def test_stock_counts_of_days_are_no_table_that_only_grows() -> None:
    counted = {feed for feed in all_feeds() if _is_count_of_a_day(load_contract(feed))}
    assert "wms_returned_stock" in counted
    assert not counted & {"erp_items", "crm_customers", "erp_vendors"}


@pytest.mark.parametrize("feed", all_feeds())
def test_every_contract_says_when_a_row_came_about_or_is_a_whole_table(feed: str) -> None:
    contract = load_contract(feed)
    assert contract.mode == "full" or contract.time_column in contract.columns


def test_braces_in_a_condition_are_taken_literally() -> None:
    check = no_rows("c", "select * from batch where name ~ '^[a-z]{2}$'", severity=WARNING, description="d")
    query = check.unexpected_rows_query.format(batch="t")  # type: ignore[attr-defined]
    assert query.endswith("where name ~ '^[a-z]{2}$'\n) as t") and "from t)" in query


def test_a_message_names_check_count_keys_file_line_and_what_to_do() -> None:
    found = CheckResult(
        "landed.x", "raw.x", "column_ran_dry", "sku", "critical", False, None, 1200,
        [{"order_no": "A1", "file": "x_20260101.csv", "line": 7}], "sku is filled.", "Ask.",
    )  # fmt: skip
    assert found.message.splitlines() == [
        "column_ran_dry on raw.x.sku: 1,200 rows. Expected: sku is filled.",
        "      order_no=A1, file=x_20260101.csv, line=7",
        "      To do: Ask.",
    ]


def test_no_cent_is_lost_on_the_way_into_json() -> None:
    assert plain(Decimal("12345678901234567.89")) == "12345678901234567.89"
