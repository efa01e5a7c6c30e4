"""The forecast of returns against planted processes, whose arrivals a closed form tells."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revlog.estimates.forecast.backtest import back_test
from revlog.estimates.forecast.cohorts import asked_ahead
from revlog.estimates.forecast.hazard import HORIZON
from revlog.estimates.forecast.history import EPOCH, NEVER, History, history_of, known_on
from revlog.estimates.forecast.origin import come_since, expected_after, repeated
from revlog.estimates.forecast.rows import COLUMNS, NO_RECEIPT, TOO_FEW, TOO_YOUNG, UNTESTED, forecast_rows
from revlog.estimates.forecast.spread import coming_together, interval, learn_spread

DAY = 20_000  # 2024-10-04
AS_OF = EPOCH + dt.timedelta(days=DAY)
DAYS = ("shipped", "asked", "approved", "scanned", "received", "ended")
UNDER_WAY, PAST_SALES, COMING_SALES, UNKNOWN_SALE = range(4)
WORK = pd.DataFrame(
    columns=["site", "product_category", "settled_units", "minutes", "gone_units", "unit_days"]
)


def frame(columns: str, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def history(
    lines: list[tuple[Any, ...]] | None = None,
    later: list[tuple[Any, ...]] | None = None,
    receipts: list[tuple[Any, ...]] | None = None,
    sales: list[tuple[Any, ...]] | None = None,
) -> History:
    """Of rows as the queries give them; units are usual ones, but where a line says otherwise."""
    usual = [(*row, *row[8:10]) if len(row) == 10 else row for row in lines or []]
    return history_of(
        frame(
            f"site product_category {' '.join(DAYS)} units first_units usual_units usual_first_units", usual
        ),
        frame(
            "site product_category first_received received units usual_units",
            [(*row, row[4]) for row in later or []],
        ),
        frame(
            "site ship_from_site product_category received units usual_units squared_units",
            [(*row, row[4], row[4] ** 2) for row in receipts or []],
        ),
        frame("site product_category shipped units", sales or []),
    )


def line(asked: int, units: float = 1.0, site: str = "A", **days: int) -> tuple[Any, ...]:
    """A line of one category that is approved and handed over on the day, unless `days` says otherwise."""
    told: dict[str, Any] = {"shipped": None, "asked": asked, "approved": asked, "scanned": asked,
                            "received": None, "ended": None, **days}  # fmt: skip
    return (site, "x", *(told[name] for name in DAYS), units, units if told["received"] is not None else 0.0)


def receipts_of(lines: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(r[0], r[0], r[1], r[6], r[9]) for r in lines if r[6] is not None]


def of_lines(lines: list[tuple[Any, ...]], **more: Any) -> History:
    return history(lines, receipts=receipts_of(lines), **more)


# -- what is under way -----------------------------------------------------------------------------


def test_a_constant_hazard_gives_the_geometric_distribution() -> None:
    """Each day a tenth of what waits comes: of a unit 0.1 x 0.9^(k-1) on day k, whatever its age."""
    lines = []
    for asked in range(DAY - 160, DAY + 1):
        for age in range(1, DAY - asked + 1):
            lines.append(line(asked, 100 * 0.1 * 0.9 ** (age - 1), received=asked + age))
        lines.append(line(asked, 100 * 0.9 ** (DAY - asked)))
    standing = sum(100 * 0.9 ** (DAY - asked) for asked in range(DAY - 160, DAY + 1))
    found = expected_after(of_lines(lines), DAY).parts[UNDER_WAY].sum(axis=(0, 1))
    known = standing * 0.1 * 0.9 ** np.arange(HORIZON)
    # The days of the planted returns are not quite those of whole weeks, so that weekdays differ a little.
    assert found.sum() == pytest.approx(known.sum(), rel=0.005)
    assert found == pytest.approx(known, rel=0.03)


def test_steps_follow_each_other() -> None:
    """Asked on day 0, approved on 2, handed over on 3, here on 8: what is asked for today comes in 8 days."""
    steps = {"approved": 2, "scanned": 3, "received": 8}
    done = [
        line(asked, 1000, **{name: asked + after for name, after in steps.items()})
        for asked in range(DAY - 300, DAY + 1)
    ]
    # As it is known on the day: what has not happened is hidden by known_on.
    found = expected_after(of_lines(done), DAY).parts[UNDER_WAY].sum(axis=(0, 1))
    assert found[:8] == pytest.approx([1000.0] * 8, rel=0.1)
    assert found[8:].sum() == pytest.approx(0, abs=100)
    assert found.sum() == pytest.approx(8000, rel=0.01)


def test_what_is_declined_does_not_come() -> None:
    """Of ten units asked for, four are declined next day; six are approved then, and come the day after."""
    lines = []
    for asked in range(DAY - 200, DAY + 1):
        lines.append(line(asked, 400, approved=NEVER, scanned=NEVER, ended=asked + 1))
        lines.append(line(asked, 600, approved=asked + 1, scanned=NEVER, received=asked + 2))
    found = expected_after(of_lines(lines), DAY).parts[UNDER_WAY].sum(axis=(0, 1))
    # Yesterday's 600, approved today, and today's 1,000, of which 600 will be.
    assert found[:2] == pytest.approx([600, 600], rel=0.05)
    assert found.sum() == pytest.approx(1200, rel=0.02)


def test_a_closed_dock_receives_on_the_next_day() -> None:
    """Goods take three days; what would come on a Sunday comes on Monday, and nothing on Sundays."""
    lines = []
    for asked in range(DAY - 350, DAY + 1):
        comes = asked + 3 + ((asked + 3) % 7 == 3)  # day 3 was a Sunday
        lines.append(line(asked, 1000, received=comes))
    for day in range(DAY, DAY - 7, -1):
        found = expected_after(of_lines(lines), day).parts[UNDER_WAY].sum(axis=(0, 1))
        known = np.zeros(HORIZON)
        for asked in range(day - 5, day + 1):
            comes = asked + 3 + ((asked + 3) % 7 == 3)
            if comes > day:
                known[comes - day - 1] += 1000
        assert found[:5] == pytest.approx(known[:5], abs=160)
        assert found.sum() == pytest.approx(known.sum(), rel=0.05)


def test_what_is_left_of_a_line_comes_in_its_own_time() -> None:
    """Two units each; one comes after 4 days, of the other half 3 days later, and the rest never."""
    lines, later = [], []
    for asked in range(DAY - 300, DAY + 1):
        first = asked + 4
        lines.append(("A", "x", None, asked, asked, asked, first, None, 2000.0, 1000.0))
        later.append(("A", "x", first, first + 3, 500.0))
    known = history(lines, later, [("A", "A", "x", DAY - 1, 1.0)])
    found = expected_after(known, DAY).parts[UNDER_WAY].sum(axis=(0, 1))
    # Firsts of the last four days' lines; rests of what came in the last three days and comes in the next
    # four.
    assert found[:7] == pytest.approx([1500, 1500, 1500, 1500, 500, 500, 500], rel=0.1)
    assert found[7:].sum() < 150


def test_a_site_goes_by_its_own_pace_as_far_as_its_lines_tell() -> None:
    """B's goods take ten days, A's two; C has one line and goes as all."""
    lines = []
    for asked in range(DAY - 300, DAY + 1):
        lines.append(line(asked, 500, "A", received=asked + 2))
        lines.append(line(asked, 500, "B", received=asked + 10))
    lines.append(line(DAY, 1, "C"))
    found = expected_after(of_lines(lines), DAY).parts[UNDER_WAY].sum(axis=1)
    assert found[0, :2].sum() == pytest.approx(1000, rel=0.05)
    assert found[1, :10] == pytest.approx([500] * 10, rel=0.15)
    assert 0.5 < found.sum() - found[:2].sum() < 1.01 or found[0, 1] > 500


# -- what sales send back --------------------------------------------------------------------------


def planted_sales(rate: float, lag: int, daily: float) -> History:
    """A constant number shipped, of which a share comes back blind after so many days."""
    days = range(DAY - 500, DAY + 1)
    lines = [
        line(sold + lag, daily * rate, shipped=sold, approved=NEVER, scanned=NEVER, received=sold + lag)
        for sold in days
        if sold + lag <= DAY
    ]
    return of_lines(lines, sales=[("A", "x", sold, daily) for sold in days])


def test_sales_send_back_their_share_at_its_age() -> None:
    """1,000 a day, 12 % after 9 days: 120 a day, for nine days of what was sold, then of what will be."""
    found = expected_after(planted_sales(0.12, 9, 1000), DAY).parts.sum(axis=(1, 2))
    assert found[PAST_SALES] == pytest.approx([120] * 9 + [0] * 19, abs=1)
    assert found[COMING_SALES] == pytest.approx([0] * 9 + [120] * 19, abs=1)
    assert found[UNDER_WAY].sum() == pytest.approx(0, abs=1e-6)


def test_a_returns_wait_is_added_to_its_sales_age() -> None:
    """Asked for after 5 days and here 6 later: what is sold now comes in 11."""
    days = range(DAY - 500, DAY + 1)
    lines = [line(s + 5, 100, shipped=s, received=s + 11) for s in days if s + 5 <= DAY]
    found = expected_after(of_lines(lines, sales=[("A", "x", s, 1000) for s in days]), DAY)
    parts = found.parts.sum(axis=(1, 2))
    assert parts[UNDER_WAY].sum() == pytest.approx(600, rel=0.03)
    assert parts[PAST_SALES].sum() == pytest.approx(500, rel=0.03)
    assert parts[COMING_SALES].sum() == pytest.approx(1700, rel=0.03)
    assert parts.sum(axis=0) == pytest.approx([100] * 28, rel=0.15)


def test_a_share_is_that_of_the_sales_which_have_lived_the_age() -> None:
    """Sold for 20 days only: what comes after 10 days is a share of what was sold up to 10 days ago."""
    days = range(DAY - 19, DAY + 1)
    lines = [
        line(s + 10, 200, shipped=s, approved=NEVER, scanned=NEVER, received=s + 10) for s in days
        if s + 10 <= DAY
    ]  # fmt: skip
    asked = asked_ahead(of_lines(lines, sales=[("A", "x", s, 1000) for s in days]), DAY)
    assert asked.of_past_sales.sum(axis=(0, 1))[:10] == pytest.approx([200] * 10, rel=0.03)


def test_what_names_no_sale_goes_on_as_in_the_last_weeks() -> None:
    lines = [line(d, 7, approved=NEVER, scanned=NEVER, received=d) for d in range(DAY - 99, DAY + 1)]
    parts = expected_after(of_lines(lines), DAY).parts.sum(axis=(1, 2))
    assert parts[UNKNOWN_SALE] == pytest.approx([7] * 28, rel=0.03)


def test_last_years_season_comes_again() -> None:
    """Sales doubled on this day a year ago: twice as many are to come, too."""
    days = range(DAY - 500, DAY + 1)
    sales = [("A", "x", s, 2000.0 if DAY - 364 < s <= DAY - 334 else 1000.0) for s in days]
    lines = [
        line(s[2] + 1, s[3] / 10, shipped=s[2], approved=NEVER, scanned=NEVER, received=s[2] + 1)
        for s in sales
    ]  # fmt: skip
    lines = [one for one in lines if one[3] <= DAY]
    found = expected_after(of_lines(lines, sales=sales), DAY).parts[COMING_SALES].sum(axis=(0, 1))
    assert found[8:24] == pytest.approx([200] * 16, rel=0.03)


def test_one_order_of_thousands_that_comes_back_is_no_rule() -> None:
    """10 of 100 come back daily after 3 days; one day 9,000 did. What is announced is expected, though."""
    days = range(DAY - 200, DAY + 1)
    lines = [line(s + 1, 10, shipped=s, received=s + 3) for s in days if s < DAY]
    lines.append((*line(DAY - 50, 9000, shipped=DAY - 51, received=DAY - 48), 10.0, 10.0))
    known = of_lines(lines, sales=[("A", "x", s, 100) for s in days])
    assert expected_after(known, DAY).daily.sum() == pytest.approx(280, rel=0.05)
    lines.append((*line(DAY, 9000, shipped=DAY - 1), 10.0, 0.0))
    announced = expected_after(of_lines(lines, sales=[("A", "x", s, 100) for s in days]), DAY)
    assert announced.daily.sum() == pytest.approx(9280, rel=0.05)


def test_what_a_site_ships_another_receives() -> None:
    """Everything that A ships comes to B."""
    lines = [line(d, 10, received=d + 2) for d in range(DAY - 99, DAY + 1)]
    receipts = [("B", "A", "x", d + 2, 10) for d in range(DAY - 99, DAY - 1)]
    found = expected_after(history(lines, receipts=receipts), DAY).parts.sum(axis=(0, 2, 3))
    assert found[1] > 50 * found[0]


# -- nothing knows the future ----------------------------------------------------------------------


def random_company(seed: int, days: int = 400, daily: float = 30, sites: str = "AB") -> History:
    """Parcels of 1 to 4 units; a fifth is asked for after 3 to 20 days, and is 2 to 11 on its way."""
    rng = np.random.default_rng(seed)
    lines, sales = [], []
    for site in sites:
        for day in range(DAY - days, DAY + 29):
            parcels = rng.integers(1, 5, int(rng.poisson(daily)))
            sales.append((site, "x", day, float(parcels.sum())))
            for units in parcels[rng.random(len(parcels)) < 0.2].tolist():
                asked = day + int(rng.integers(3, 21))
                approved = asked + int(rng.integers(0, 3))
                scanned = approved + int(rng.integers(1, 6))
                received = scanned + int(rng.integers(1, 5))
                lines.append(line(asked, units, site, shipped=day, approved=approved, scanned=scanned,
                                  received=received))  # fmt: skip
    return of_lines(lines, sales=[row for row in sales if row[3]])


@pytest.mark.parametrize("day", [DAY - 10, DAY - 101, DAY - 250])
def test_another_future_changes_nothing(day: int) -> None:
    whole = random_company(1, days=300)
    known = known_on(whole, day)
    rng = np.random.default_rng(2)
    lines = whole.lines
    changed = {
        name: np.where(
            getattr(lines, name) > day, day + rng.integers(1, 30, len(lines.units)), getattr(lines, name)
        )
        for name in ("asked", "approved", "scanned", "received", "ended")
    }
    otherwise = replace(
        whole,
        lines=replace(lines, **changed),
        receipts=whole.receipts.where(whole.receipts.received <= day),
        sales=replace(whole.sales, units=np.where(whole.sales.shipped > day, 999.0, whole.sales.units)),
    )
    said = [expected_after(one, day).parts for one in (whole, otherwise, known)]
    assert np.array_equal(said[0], said[1])
    assert np.array_equal(said[0], said[2])


# -- how far it strays -----------------------------------------------------------------------------


def test_an_interval_by_hand() -> None:
    """Poisson, mean 4. Half of P(1) and below: 0.055, of P(2): 0.165; half of P(7) and above: 0.081."""
    low, high = interval(np.array([4.0]), np.array([4.0]), 0.80)
    assert (low[0], high[0]) == (2, 6)
    # 0.009 below and half of 0; 0.165 at 2, 0.055 at 1 > 0.025; half of P(8) and above: 0.036, of P(9):
    # 0.015.
    low, high = interval(np.array([4.0]), np.array([4.0]), 0.95)
    assert (low[0], high[0]) == (1, 8)


def test_an_interval_of_what_comes_surely_is_narrow() -> None:
    """100 times 0.9. Half of P(86) and below: 0.098, of P(87): 0.161; of P(94) and above: 0.087."""
    low, high = interval(np.array([90.0]), np.array([9.0]), 0.80)
    assert (low[0], high[0]) == (87, 93)


def test_nothing_expected_is_nothing() -> None:
    low, high = interval(np.zeros(3), np.zeros(3), 0.95)
    assert list(low) == list(high) == [0, 0, 0]


def test_the_spread_of_planted_errors_is_found() -> None:
    """Counts of twice Poisson's variance around a level that is off by 20 %: 200 origins, three sites."""
    rng = np.random.default_rng(3)
    mean = np.broadcast_to(np.array([20.0, 80.0, 320.0])[:, None], (200, 3, 4)).copy()
    level = rng.normal(1, 0.2, mean.shape)
    actual = np.maximum(mean * level + rng.normal(0, np.sqrt(2 * mean)), 0)
    spread = learn_spread(actual, mean, np.zeros(mean.shape), np.ones(mean.shape, dtype=bool), 1.0)
    assert spread.dispersion == pytest.approx(2, rel=0.35)
    assert spread.drift == pytest.approx([0.2] * 4, rel=0.15)


def test_units_that_come_together_stray_further() -> None:
    """Receipts of 1, 1 and 10 units: squares 102, units 12. Later and older ones are out."""
    rows = [
        ("A", "A", "x", DAY - at, units) for at, units in ((0, 1), (9, 1), (300, 10), (-1, 50), (364, 50))
    ]
    assert coming_together(history(receipts=rows).receipts, DAY) == 102 / 12


def test_without_an_error_of_its_own_a_company_strays_as_its_receipts_do() -> None:
    spread = learn_spread(np.zeros((0, 2, 4)), np.zeros((0, 2, 4)), np.zeros((0, 2, 4)),
                          np.zeros((0, 2, 4), dtype=bool), 7.0)  # fmt: skip
    assert spread.dispersion == pytest.approx(7, rel=0.001)
    assert spread.drift == pytest.approx([0.05, 0.08, 0.12, 0.18], abs=0.05)


def test_a_week_ahead_that_has_not_been_tested_strays_as_usual() -> None:
    """One Sunday, whose first week was just as expected, beside three usual ones, tells nothing of others."""
    mean, known = np.full((1, 1, 4), 1000.0), np.array([[[True, False, False, False]]])
    spread = learn_spread(mean, mean, np.zeros(mean.shape), known, 100.0)
    usual = 100 * 1000 + (np.array([0.05, 0.08, 0.12, 0.18]) * 1000) ** 2
    found = spread.of_weeks(mean, np.zeros(mean.shape))[0, 0]
    assert found[1:] / found[0] == pytest.approx(usual[1:] / (usual[0] * 3 / 4), rel=0.02)


def test_errors_that_are_not_known_count_for_nothing() -> None:
    mean = np.full((30, 2, 4), 50.0)
    actual = np.where(np.arange(30)[:, None, None] < 15, 5000.0, 50.0)
    known = np.broadcast_to(np.arange(30)[:, None, None] >= 15, mean.shape)
    told = learn_spread(actual, mean, np.zeros(mean.shape), known, 1.0)
    alone = learn_spread(actual[15:], mean[15:], np.zeros((15, 2, 4)), np.ones((15, 2, 4), dtype=bool), 1.0)
    assert (told.dispersion, list(told.drift)) == (alone.dispersion, list(alone.drift))


def test_a_planted_company_keeps_the_intervals_that_it_is_told() -> None:
    """Four sites: better than the week before, and 80 and 95 % hold what they say within five points."""
    rows = forecast_rows(random_company(4, days=620, daily=12, sites="ABCD"), WORK, AS_OF)
    was = rows[rows["actual_units"].notna()]
    error = (was["expected_units"] - was["actual_units"]).abs().groupby(was["site"]).sum()
    naive = (was["naive_units"] - was["actual_units"]).abs().groupby(was["site"]).sum()
    assert len(was) == 26 * 4 * 4
    assert (error < naive).all()
    for level, share in ((80, 0.80), (95, 0.95)):
        low, high = was[f"low_{level}"].astype(float), was[f"high_{level}"].astype(float)
        assert was["actual_units"].between(low, high).mean() == pytest.approx(share, abs=0.05)


# -- what came, and the naive ----------------------------------------------------------------------


def test_the_naive_forecast_is_the_last_seven_days_again() -> None:
    receipts = [("A", "A", "x", DAY - 6 + at, at + 1.0) for at in range(7)] + [("A", "A", "x", DAY - 7, 99.0)]
    found = repeated(history(receipts=receipts), DAY)[0, 0]
    assert list(found) == [1, 2, 3, 4, 5, 6, 7] * 4


def test_what_came_is_counted_by_day_ahead() -> None:
    receipts = [("A", "A", "x", DAY, 5.0), ("A", "A", "x", DAY + 1, 3.0), ("A", "A", "x", DAY + 28, 4.0)]
    found = come_since(history(receipts=receipts), DAY)[0, 0]
    assert (found[0], found[27], found.sum()) == (3, 4, 7)


def test_a_week_is_tested_when_it_has_passed() -> None:
    tested = back_test(random_company(5, days=300), DAY)
    scored = tested.scored(DAY)
    for at, origin in enumerate(tested.origins):
        assert (origin - 3) % 7 == 0
        assert [bool(week) for week in scored[at, 0]] == [
            origin + 7 * week <= DAY and at - (week - 1) < 26 for week in range(1, 5)
        ]


# -- small and odd companies -----------------------------------------------------------------------


def ahead(rows: pd.DataFrame) -> pd.DataFrame:
    assert tuple(rows.columns) == COLUMNS
    keys = ["origin_on", "site", "product_category", "starts_on", "days"]
    assert not rows.duplicated(keys).any()
    return rows[rows["actual_units"].isna()]


def test_an_empty_warehouse_expects_nothing() -> None:
    assert len(forecast_rows(history(), WORK, AS_OF)) == 0


def test_without_any_receipt_nobody_can_say() -> None:
    """Requests and sales, and no feed of receipts: days and weeks of the site, without a number."""
    rows = ahead(forecast_rows(history([line(DAY - 3)], sales=[("A", "x", DAY - 9, 5)]), WORK, AS_OF))
    assert list(rows.groupby("days").size().items()) == [(1, 28), (7, 4)]
    assert set(rows["reason"]) == {NO_RECEIPT}
    assert rows[["expected_units", "naive_units", "low_80", "high_95"]].isna().all(axis=None)


def test_one_day_of_data_gives_the_naive_forecast_and_says_why() -> None:
    lines = [line(DAY, 3, approved=NEVER, scanned=NEVER, received=DAY)]
    rows = ahead(forecast_rows(of_lines(lines, sales=[("A", "x", DAY, 50)]), WORK, AS_OF))
    days = rows[rows["days"] == 1]
    assert set(rows["method"]) == {"naive"}
    assert set(rows["reason"]) == {TOO_YOUNG}
    assert list(days["expected_units"]) == [0, 0, 0, 0, 0, 0, 3] * 4
    assert list(rows[rows["days"] == 7]["expected_units"]) == [3, 3, 3, 3]
    assert (days["low_80"] <= days["expected_units"]).all()
    assert (days["expected_units"] <= days["high_80"]).all()
    assert (days["high_80"] <= days["high_95"]).all()


def test_a_site_that_receives_little_gives_the_naive_forecast() -> None:
    lines = [
        line(DAY - 7 * week, approved=NEVER, scanned=NEVER, received=DAY - 7 * week) for week in range(50)
    ]
    rows = ahead(forecast_rows(of_lines(lines), WORK, AS_OF))
    assert set(rows["reason"]) == {TOO_FEW}


def test_what_was_not_tested_gives_the_naive_forecast() -> None:
    """Ten weeks of receipts: origins begin after eight, and no fourth week after one has passed."""
    lines = [line(d, 9, approved=NEVER, scanned=NEVER, received=d) for d in range(DAY - 69, DAY + 1)]
    rows = forecast_rows(of_lines(lines), WORK, AS_OF)
    assert set(ahead(rows)["reason"]) == {UNTESTED}
    assert rows["actual_units"].notna().sum() > 0


def test_a_company_of_blind_returns_has_a_model() -> None:
    lines = [line(d, 9, approved=NEVER, scanned=NEVER, received=d) for d in range(DAY - 300, DAY + 1)]
    rng = np.random.default_rng(6)
    lines = [(*row[:8], units, units) for row in lines if (units := float(rng.poisson(9)))]
    rows = ahead(forecast_rows(of_lines(lines), WORK, AS_OF))
    assert set(rows["method"]) == {"model"}
    weeks = rows[rows["days"] == 7]
    assert list(weeks["expected_units"]) == pytest.approx([63] * 4, rel=0.1)
    assert list(weeks["unknown_sale_units"]) == pytest.approx(list(weeks["expected_units"]))


def test_lines_that_all_ended_bring_nothing() -> None:
    """Every request was declined; what came long ago came blind."""
    ended = [line(d, 5, approved=NEVER, scanned=NEVER, ended=d + 1) for d in range(DAY - 200, DAY)]
    blind = [line(DAY - 150, 2, approved=NEVER, scanned=NEVER, received=DAY - 150)]
    rows = ahead(forecast_rows(of_lines(ended + blind), WORK, AS_OF))
    assert rows["expected_units"].sum() == 0


def test_days_out_of_order_break_nothing() -> None:
    """Approved before it was asked for, scanned after it came, asked for before it was shipped."""
    odd = [
        line(DAY - 20, 5, shipped=DAY - 3, approved=DAY - 40, scanned=DAY - 2, received=DAY - 10),
        line(DAY - 20, 500, shipped=DAY - 30, approved=NEVER, scanned=DAY - 5, ended=DAY - 9),
        line(DAY - 20, 1, approved=DAY - 1, scanned=DAY - 30),
        line(DAY - 5, 1, site="UNATTRIBUTED", received=DAY - 5),
    ]
    later = [("A", "x", DAY - 10, DAY - 8, 50)]
    rows = ahead(
        forecast_rows(
            history(odd, later, receipts_of(odd), [("A", "x", DAY - 30, 2)]), WORK, AS_OF
        )
    )  # fmt: skip
    assert (rows["expected_units"] >= 0).all()


def test_work_is_that_of_the_units_that_came() -> None:
    """1,000 units of A took 6,000 minutes and lay 4,000 days for 1,000 gone; of B's ten units 600 minutes."""
    work = frame(
        "site product_category settled_units minutes gone_units unit_days",
        [("A", "x", 1000.0, 6000.0, 1000.0, 4000.0), ("B", "x", 10.0, 600.0, 0.0, 70.0)],
    )
    company = random_company(7, days=250)
    rows = ahead(forecast_rows(company, work, AS_OF))
    days = rows[(rows["days"] == 1) & (rows["expected_units"] > 0)].groupby("site")[
        ["expected_units", "labour_minutes", "storage_unit_days"]
    ].sum()  # fmt: skip
    of_unit = days.div(days["expected_units"], axis=0)
    # All: 6,600 of 1,010 minutes and 4,070 of 1,000 days; each site's own beside 20 units of all.
    assert of_unit.loc["A", "labour_minutes"] == pytest.approx((6000 + 20 * 6600 / 1010) / 1020, rel=1e-3)
    assert of_unit.loc["B", "labour_minutes"] == pytest.approx((600 + 20 * 6600 / 1010) / 30, rel=1e-3)
    assert of_unit.loc["A", "storage_unit_days"] == pytest.approx((4000 + 20 * 4.07) / 1020, rel=1e-3)


def test_without_minutes_there_is_no_labour() -> None:
    work = frame(
        "site product_category settled_units minutes gone_units unit_days",
        [("A", "x", 50.0, None, 0.0, 80.0)],
    )
    rows = ahead(forecast_rows(random_company(8, days=250), work, AS_OF))
    assert rows[["labour_minutes", "storage_unit_days"]].isna().all(axis=None)


def test_the_order_of_rows_does_not_matter() -> None:
    company = random_company(9, days=200)
    rng = np.random.default_rng(10)
    shuffled: dict[str, Any] = {}
    for field in fields(company):
        part = getattr(company, field.name)
        if hasattr(part, "units"):
            order = rng.permutation(len(part.units))
            part = replace(part, **{f.name: getattr(part, f.name)[order] for f in fields(part)})
        shuffled[field.name] = part
    assert forecast_rows(company, WORK, AS_OF).equals(forecast_rows(History(**shuffled), WORK, AS_OF))
