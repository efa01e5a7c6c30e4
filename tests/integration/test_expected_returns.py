"""Expected returns of a simulated company: the error that readers are told, and none knows the future."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.database.connections import connect
from revlog.estimates.forecast import expected
from revlog.night import stages
from simulator.company import Company
from simulator.run import simulate
from tests.nights import build_night

HISTORY = dt.date(2026, 1, 31)
# A Sunday on which the back-test asks; four weeks after it have passed.
ORIGIN = dt.date(2025, 12, 28)
# What a later day brings is taken out of core: what happened, what was asked for, what was sold.
WITHOUT_WHAT_CAME_AFTER = """
delete from core.fct_receipt where received_on > %(day)s;
delete from core.fct_return_line where asked_on > %(day)s;
delete from core.fct_sales_line where shipped_on > %(day)s;
delete from core.fct_inspection where inspected_on > %(day)s;
delete from core.fct_disposition where disposed_on > %(day)s;
delete from core.fct_work_order where cost_on > %(day)s;
update core.fct_return_line set
    approved_at = case when approved_at < %(end)s then approved_at end,
    authorized_at = case when authorized_at < %(end)s then authorized_at end,
    first_scan_at = case when first_scan_at < %(end)s then first_scan_at end,
    first_received_on = case when first_received_on <= %(day)s then first_received_on end,
    is_void = is_void and ended_at < %(end)s,
    is_returnless = is_returnless and ended_at < %(end)s;
"""


@pytest.fixture(scope="module")
def published(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A typical company's thirteen months, built and published."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=6_000, seed=5,
            start=dt.date(2025, 1, 1), history_end=HISTORY, nights=0, dirt=0.0,
        )
    )  # fmt: skip
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, HISTORY.isoformat())
    stages.publish(build_night(HISTORY))


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connect("bi_reader") as connection:
        return connection.execute(query.encode()).fetchall()


def _row(query: str) -> tuple[Any, ...]:
    return _rows(query)[0]


def test_the_model_is_better_than_the_last_week_again_at_every_site(published: None) -> None:
    found = _rows(
        "select site, sum(absolute_error_units) / sum(naive_absolute_error_units)"
        " from marts.forecast_accuracy group by site order by site"
    )
    assert [site for site, _ in found] == ["ARN", "LEJ", "MAN", "ORD"]
    assert {site: float(mase) for site, mase in found if mase >= 1} == {}


def test_intervals_hold_what_they_say_within_five_points(published: None) -> None:
    weeks, within_80, within_95 = _row(
        "select sum(weeks), sum(weeks_within_80), sum(weeks_within_95) from marts.forecast_accuracy"
    )
    assert weeks == 4 * 4 * 26
    assert float(within_80 / weeks) == pytest.approx(0.80, abs=0.05)
    assert float(within_95 / weeks) == pytest.approx(0.95, abs=0.05)


def test_the_bias_is_shown_and_small(published: None) -> None:
    bias, actual = _row("select sum(bias_units), sum(actual_units) from marts.forecast_accuracy")
    assert abs(bias / actual) < 0.1


def test_actual_units_are_those_of_the_docks(published: None) -> None:
    """Counted from the star, a Sunday's four weeks over all sites."""
    [(actual,)] = _rows(f"select sum(actual_units) from marts.forecast_backtest where origin_on = '{ORIGIN}'")
    [(came,)] = _rows(
        "select sum(numerator) from marts.kpi_daily where kpi = 'product_return_rate' and basis = 'RETURN'"
        f" and period_date > '{ORIGIN}' and period_date <= date '{ORIGIN}' + 28"
    )
    assert actual == came > 0


def test_the_parts_re_add_and_days_add_up_to_weeks(published: None) -> None:
    assert _rows(
        "select * from marts.return_forecast where expected_units <>"
        " under_way_units + past_sales_units + coming_sales_units + unknown_sale_units"
    ) == []  # fmt: skip
    assert _rows(
        "select w.site, w.week_ahead from marts.return_forecast_weeks as w inner join ("
        " select site, week_ahead, sum(expected_units) as units, sum(labour_minutes) as minutes,"
        " sum(storage_unit_days) as days from marts.return_forecast group by site, week_ahead) as d"
        " using (site, week_ahead) where (w.expected_units, w.labour_minutes, w.storage_unit_days)"
        " is distinct from (d.units, d.minutes, d.days)"
    ) == []  # fmt: skip
    assert (
        _row("select count(*), count(distinct expected_on) from marts.return_forecast where site = 'LEJ'")[1]
        == 28
    )


def test_a_unit_brings_the_minutes_that_units_took(published: None) -> None:
    """Inspections take 1 to 9 minutes, 5 on average, and about one unit in nine is worked on."""
    minutes, days, units = _row(
        "select sum(labour_minutes), sum(storage_unit_days), sum(expected_units) from marts.return_forecast"
    )
    assert 2 < minutes / units < 12
    assert 2 < days / units < 15


def test_a_forecast_knows_nothing_that_happened_later(published: None) -> None:
    """The same from a core from which everything later has been taken out, and what the back-test says."""
    with connect("admin") as connection:
        with_it = _said(connection)
        end = dt.datetime.combine(ORIGIN + dt.timedelta(days=1), dt.time(), dt.UTC)
        for statement in WITHOUT_WHAT_CAME_AFTER.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode(), {"day": ORIGIN, "end": end})
        without = _said(connection)
        connection.rollback()
    assert without == with_it
    told = {
        (site, week): float(units)
        for site, week, units in _rows(
            "select site, week_ahead, expected_units from marts.forecast_backtest"
            f" where origin_on = '{ORIGIN}'"
        )
    }
    # But for categories of which next to nothing is expected: they are no rows of what is ahead.
    assert told == {key: pytest.approx(units, abs=0.05) for key, units in with_it.items()}


def _said(connection: psycopg.Connection[Any]) -> dict[tuple[str, int], float]:
    """Units of each site and week as of the origin."""
    rows = expected.compute(connection, ORIGIN)
    weeks = rows[(rows["days"] == 7) & (rows["origin_on"] == ORIGIN)]
    assert set(weeks["method"]) == {"model"}
    return {(str(row.site), int(row.week_ahead)): float(row.expected_units) for row in weeks.itertuples()}


@pytest.mark.parametrize(
    ("emptied", "methods"),
    [
        (("fct_receipt",), {"none"}),
        (("fct_sales_line",), {"model", "naive"}),
        (("fct_return_line", "fct_receipt", "fct_sales_line"), set()),
        (("fct_inspection", "fct_work_order", "fct_disposition"), {"model"}),
    ],
)
def test_a_company_that_lacks_a_feed_gets_an_honest_answer(
    published: None, emptied: tuple[str, ...], methods: set[str]
) -> None:
    """Without receipts nobody can say; without anything there is no row, without minutes no labour."""
    with connect("admin") as connection:
        for table in emptied:
            connection.execute(f"delete from core.{table}".encode())
        rows = expected.compute(connection, HISTORY)
        connection.rollback()
    ahead = rows[rows["actual_units"].isna()]
    assert set(ahead["method"]) <= methods
    assert bool(methods) == bool(len(ahead))
    assert ahead["labour_minutes"].isna().all() == (methods != {"model", "naive"})
    assert ahead["expected_units"].isna().all() == (methods in ({"none"}, set()))


def test_the_same_core_gives_the_same_rows(published: None) -> None:
    with connect("transformer") as connection:
        first, second = (expected.compute(connection, HISTORY) for _ in range(2))
    assert first.equals(second)
