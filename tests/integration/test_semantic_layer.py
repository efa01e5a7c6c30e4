"""`mf query` against `marts.kpi_daily`: every metric, by month and channel."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from semantic import metricflow
from semantic.definitions import Kpi, kpis
from warehouse.connections import connect

JANUARY, FEBRUARY = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
CELLS = [(kpi, basis) for kpi in kpis() for basis in kpi.bases]
Cell = tuple[dt.date, str]


@pytest.fixture(scope="module")
def published(database: Path) -> None:
    """A published kpi_daily written by hand: the nth KPI and basis has n, 3n and n above the line."""
    with connect("publisher") as connection:
        connection.execute(
            "create table marts.kpi_daily (kpi text, basis text, period_date date, channel text,"
            " product_category text, site text, currency text, numerator numeric(20, 2),"
            " denominator numeric(20, 2), is_mature boolean, business_date date)"
        )
        connection.execute(
            "create table marts.calendar as select date_day::date from"
            " generate_series(date '2025-01-01', date '2026-12-31', interval '1 day') as s (date_day)"
        )
        for number, (kpi, basis) in enumerate(CELLS, start=1):
            connection.cursor().executemany(
                "insert into marts.kpi_daily values"
                " (%s, %s, %s, %s, 'apparel', 'LEJ', 'EUR', %s, %s, true, '2026-02-28')",
                [
                    (kpi.name, basis, dt.date(2026, 1, 5), "WEB", number, 100 + number),
                    (kpi.name, basis, dt.date(2026, 1, 20), "WEB", 3 * number, 200),
                    (kpi.name, basis, dt.date(2026, 1, 20), "STORE", number, 7),
                    (kpi.name, basis, dt.date(2026, 2, 3), "STORE", number, 0),
                ],
            )


@pytest.fixture(scope="module")
def answers(published: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[Cell, float | None]]:
    """Every metric by month and channel, asked in one query as bi_reader."""
    file = tmp_path_factory.mktemp("mf") / "answer.csv"
    names = [kpi.metric(basis) for kpi, basis in CELLS]
    done = metricflow.run(
        [
            "query", "--metrics", ",".join(names), "--group-by",
            "metric_time__month,kpi_cell__channel", "--decimals", "12", "--csv", str(file),
        ],
        is_quiet=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    return {name: {_cell(row): _number(row[name]) for row in rows} for name in names}


def _cell(row: dict[str, str]) -> Cell:
    return dt.date.fromisoformat(row["metric_time__month"][:10]), row["kpi_cell__channel"]


def _number(text: str) -> float | None:
    return float(text) if text else None


@pytest.mark.parametrize(("number", "kpi", "basis"), [(n, *cell) for n, cell in enumerate(CELLS, start=1)])
def test_a_metric_is_its_cells_ratio(
    answers: dict[str, dict[Cell, float | None]], number: int, kpi: Kpi, basis: str
) -> None:
    answer = answers[kpi.metric(basis)]
    assert answer[JANUARY, "WEB"] == pytest.approx(4 * number / (300 + number))
    assert answer[JANUARY, "STORE"] == pytest.approx(number / 7)
    assert answer[FEBRUARY, "STORE"] is None


def test_a_metric_is_what_kpi_daily_gives(answers: dict[str, dict[Cell, float | None]]) -> None:
    with connect("bi_reader") as connection:
        rows = connection.execute(
            "select kpi, basis, date_trunc('month', period_date)::date, channel,"
            " sum(numerator) / nullif(sum(denominator), 0) from marts.kpi_daily group by 1, 2, 3, 4"
        ).fetchall()
    names = {(kpi.name, basis): kpi.metric(basis) for kpi, basis in CELLS}
    assert len(rows) == 3 * len(CELLS)
    for kpi, basis, month, channel, ratio in rows:
        expected = None if ratio is None else pytest.approx(float(ratio))
        assert answers[names[kpi, basis]][month, channel] == expected


def test_the_configuration_is_valid_against_the_published_tables(published: None) -> None:
    done = metricflow.run(["validate-configs", "--show-all"], is_quiet=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6
