"""`mf query` against `marts.kpi_daily`: every metric, by month and channel."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from revlog.database.connections import connect
from revlog.metrics.definitions import LEVELS, Kpi, kpis
from revlog.transform import metricflow

JANUARY, FEBRUARY = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
CELLS = [(kpi, basis) for kpi in kpis() for basis in kpi.bases]
# Open units have hours there, and no denominator.
TIMES = ("return_cycle_time", "dock_to_disposition_time", "vendor_days_outstanding")
Cell = tuple[dt.date, str]


@pytest.fixture(scope="module")
def published(database: Path) -> None:
    """A published kpi_daily written by hand: the nth KPI and basis has n, 3n and n above the line.

    What is not final yet, and a KPI of later days, stand beside it.
    """
    with connect("publisher") as connection:
        connection.execute(
            "create table marts.kpi_daily (kpi text, basis text, period_date date, channel text,"
            " product_category text, site text, currency text, numerator numeric(20, 2),"
            " denominator numeric(20, 2), is_mature boolean, business_date date, completeness text)"
        )
        connection.execute(
            "create table marts.calendar as select date_day::date from"
            " generate_series(date '2025-01-01', date '2026-12-31', interval '1 day') as s (date_day)"
        )
        connection.execute(
            "create table marts.return_forecast as select * from (values"
            " (date '2026-02-01', 'LEJ', 'TOYS', 'model', 2.5, 10.0, 7.0),"
            " ('2026-02-02', 'LEJ', 'HOME', 'model', 1.0, 4.0, null),"
            " ('2026-02-02', 'MAN', 'HOME', 'naive', 4.0, null, null))"
            " as f (expected_on, site, product_category, method, expected_units, labour_minutes,"
            " storage_unit_days)"
        )
        connection.execute(
            "create table marts.claims_to_file as select * from (values"
            " (date '2026-02-03', 'A', 'WARRANTY', 'V1', null, 'LEJ', 'DEFECTIVE', 10.50),"
            " ('2026-02-03', 'B', 'WARRANTY', 'V1', null, 'LEJ', 'DEFECTIVE', 4.00),"
            " ('2026-03-03', 'C', 'LOST_PARCEL', null, 'DHL', 'LEJ', 'CHANGED_MIND', 7.25))"
            " as c (deadline_on, claim_key, kind, vendor_id, carrier, site, reason, expected_amount)"
        )
        for number, (kpi, basis) in enumerate(CELLS, start=1):
            connection.cursor().executemany(
                "insert into marts.kpi_daily values"
                " (%s, %s, %s, %s, 'apparel', 'LEJ', 'EUR', %s, %s, %s, '2026-02-28', 'complete')",
                [
                    (kpi.name, basis, dt.date(2026, 1, 5), "WEB", number, 100 + number, True),
                    (kpi.name, basis, dt.date(2026, 1, 20), "WEB", 3 * number, 200, True),
                    (kpi.name, basis, dt.date(2026, 1, 20), "STORE", number, 7, True),
                    (kpi.name, basis, dt.date(2026, 2, 3), "STORE", number, 0, True),
                    (kpi.name, basis, dt.date(2026, 1, 21), "WEB", 5000, 1000, False),
                    ("another", basis, dt.date(2026, 1, 31), "WEB", 7000, number, True),
                ],
            )


@pytest.fixture(scope="module")
def answers(published: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[Cell, float | None]]:
    """Every metric by month and channel, asked in one query as bi_reader."""
    file = tmp_path_factory.mktemp("mf") / "answer.csv"
    names = [kpi.metric(basis) for kpi, basis in CELLS] + [f"{name}_with_open" for name in TIMES]
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
    if basis in LEVELS:
        january = 3 * number / 200  # of the 20th; days of a level don't add up
    elif kpi.name == "return_cost_in_process":
        january = (4 * number + 5000) / (300 + number + 1000)  # of what is still open nothing is final
    else:
        january = 4 * number / (300 + number)
    assert answer[JANUARY, "WEB"] == pytest.approx(january)
    assert answer[JANUARY, "STORE"] == pytest.approx(number / 7)
    assert answer[FEBRUARY, "STORE"] is None


def test_a_metric_is_what_kpi_daily_gives(answers: dict[str, dict[Cell, float | None]]) -> None:
    with connect("bi_reader") as connection:
        rows = connection.execute(
            "select kpi, basis, date_trunc('month', period_date)::date, channel,"
            " sum(numerator) / nullif(sum(denominator), 0) from marts.kpi_daily"
            " where kpi <> 'another' and (is_mature or kpi = 'return_cost_in_process')"
            " and (basis not in ('STOCK', 'SNAPSHOT') or period_date <> '2026-01-05') group by 1, 2, 3, 4"
        ).fetchall()
    names = {(kpi.name, basis): kpi.metric(basis) for kpi, basis in CELLS}
    assert len(rows) == 3 * len(CELLS)
    for kpi, basis, month, channel, ratio in rows:
        expected = None if ratio is None else pytest.approx(float(ratio))
        assert answers[names[kpi, basis]][month, channel] == expected


@pytest.mark.parametrize("name", TIMES)
def test_a_time_counts_what_is_open_where_it_is_asked_to(
    answers: dict[str, dict[Cell, float | None]], name: str
) -> None:
    """Both as kpi_daily has them: final rows, and all."""
    number = [kpi.name for kpi, _ in CELLS].index(name) + 1
    assert answers[name][JANUARY, "WEB"] == pytest.approx(4 * number / (300 + number))
    whole = answers[f"{name}_with_open"][JANUARY, "WEB"]
    assert whole == pytest.approx((4 * number + 5000) / (1300 + number))
    with connect("bi_reader") as connection:
        rows = connection.execute(
            "select sum(numerator) / sum(denominator) from marts.kpi_daily"
            " where kpi = %s and period_date < '2026-02-01' and channel = 'WEB'",
            [name],
        ).fetchone()
    assert rows is not None and whole == pytest.approx(float(rows[0]))


@pytest.mark.parametrize(
    ("metrics", "by", "expected"),
    [
        (
            "expected_return_units,expected_labour_minutes",
            "expected_return__site",
            {"LEJ": (3.5, 14), "MAN": (4, None)},
        ),
        (
            "claims_to_file,claimable_amount",
            "unfiled_claim__kind",
            {"WARRANTY": (2, 14.5), "LOST_PARCEL": (1, 7.25)},
        ),
    ],
)
def test_what_is_expected_and_can_be_claimed_adds_up(
    published: None, tmp_path: Path, metrics: str, by: str, expected: dict[str, tuple[float | None, ...]]
) -> None:
    file = tmp_path / "answer.csv"
    done = metricflow.run(
        ["query", "--metrics", metrics, "--group-by", by, "--csv", str(file)], is_quiet=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = csv.DictReader(file.open(encoding="utf-8"))
    assert {row[by]: tuple(_number(row[m]) for m in metrics.split(",")) for row in rows} == expected


def test_the_configuration_is_valid_against_the_published_tables(published: None) -> None:
    done = metricflow.run(["validate-configs", "--show-all"], is_quiet=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ERRORS: 0, FUTURE_ERRORS: 0, WARNINGS: 0") == 6


@pytest.fixture()
def hostile(published: None) -> Iterator[str]:
    """A metric of which two channels are no good names; yields its name."""
    kpi, basis = CELLS[0]
    with connect("publisher") as connection:
        connection.cursor().executemany(
            "insert into marts.kpi_daily values"
            " (%s, %s, '2026-01-05', %s, 'x', 'LEJ', 'EUR', -3, 2, true, null)",
            [(kpi.name, basis, channel) for channel in ("=HYPERLINK(1)", "a\x1b[2Jb")],
        )
    yield kpi.metric(basis)
    with connect("publisher") as connection:
        connection.execute("delete from marts.kpi_daily where product_category = 'x'")


def _asked(metric: str, *more: str) -> list[str]:
    return [
        "query",
        "--metrics",
        metric,
        "--group-by",
        "kpi_cell__channel",
        "--order",
        "kpi_cell__channel",
        *more,
    ]


def test_no_cell_of_a_file_is_a_formula_and_numbers_stay_numbers(hostile: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    assert metricflow.run(_asked(hostile, f"--csv={file}"), is_quiet=True).returncode == 0
    rows = {row["kpi_cell__channel"]: row[hostile] for row in csv.DictReader(file.open(encoding="utf-8"))}
    assert rows["'=HYPERLINK(1)"] == "-1.5" and "=HYPERLINK(1)" not in rows
    assert list(tmp_path.iterdir()) == [file]


def test_no_value_reaches_the_terminal_as_a_command(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert metricflow.run(_asked(hostile)).returncode == 0
    shown = capsys.readouterr().out
    assert "=HYPERLINK(1)" in shown and "\x1b" not in shown


def test_a_query_without_rows_leaves_the_file_as_it_was_and_says_so(
    hostile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer.csv"
    file.write_text("before")
    nothing = ["--where", "{{ Dimension('kpi_cell__channel') }} = 'none'", "--csv", str(file)]
    assert metricflow.run(_asked(hostile, *nothing)).returncode == 0
    assert file.read_text() == "before" and "the query brought no rows" in capsys.readouterr().out
