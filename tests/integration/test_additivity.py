"""A tool that sums gets the right answer or is told not to: additivity of every published number."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.config.settings import ROOT
from revlog.database.connections import connect
from revlog.metrics.definitions import LEVELS, Kpi, kpis
from revlog.night import stages
from revlog.reports.figures import HEADLINES, read_figures
from revlog.reports.kpi_series import Line, groups
from revlog.reports.scorecard_rows import read_scorecard_rows
from revlog.transform import metricflow, project
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.integration.known_totals import SAME_AS
from tests.integration.known_totals import TOTALS as OF_FACTS
from tests.integration.known_totals_of_advice import ADVICE
from tests.nights import build_night

TOTALS = OF_FACTS | ADVICE

HISTORY = dt.date(2026, 1, 31)
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
KINDS = ("additive", "semi_additive", "non_additive")
# Names that a reader takes for something that is no sum.
NO_SUM = re.compile(
    r"(_rate|_pct|_share|_ratio|_low|_high|_no|_id|_confidence)$|^ratio$|^p\d\d_|_mean_|^(oldest|youngest)_"
)
Column = tuple[str, str]
Meta = dict[str, Any]


@pytest.fixture(scope="module")
def published(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A dense company's history, built and published."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=1_500, seed=11,
            start=dt.date(2025, 6, 1), history_end=HISTORY, nights=0, dirt=1.0, habits=DENSE,
        )
    )  # fmt: skip
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, HISTORY.isoformat())
    stages.publish(build_night(HISTORY))


@pytest.fixture(scope="module")
def nodes(published: None) -> dict[str, Meta]:
    """Published models and seeds by name, as dbt's manifest has them."""
    found = json.loads((project.target() / "manifest.json").read_text())["nodes"].values()
    return {node["name"]: node for node in found if (node["config"].get("meta") or {}).get("publish_to")}


@pytest.fixture(scope="module")
def numbers(nodes: dict[str, Meta]) -> dict[Column, Meta]:
    """Every number of every published table, by table and column, with its meta."""
    found: dict[Column, Meta] = {}
    for name, node in nodes.items():
        for column, kind in _types(node["config"]["meta"]["publish_to"], name):
            if kind.split("(")[0] in NUMBERS:
                found[name, column] = _meta(node["columns"].get(column, {}))
    return found


def _types(schema: str, name: str) -> list[tuple[str, str]]:
    return _rows(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        f" where attrelid = '{schema}.{name}'::regclass and attnum > 0 and not attisdropped order by attnum"
    )


def _meta(column: Meta) -> Meta:
    return {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connect("admin") as connection:
        return connection.execute(query.encode()).fetchall()


def _number(query: str) -> Decimal:
    return Decimal(_rows(query)[0][0] or 0)


def test_every_published_number_says_whether_it_adds_up(numbers: dict[Column, Meta]) -> None:
    assert len(numbers) > 200
    assert [key for key, meta in numbers.items() if meta.get("additivity") not in KINDS] == []


def test_what_adds_up_over_some_columns_names_those_over_which_it_does_not(
    nodes: dict[str, Meta], numbers: dict[Column, Meta]
) -> None:
    wrong = [
        (table, column, meta.get("not_over"))
        for (table, column), meta in numbers.items()
        if (meta["additivity"] == "semi_additive") != bool(meta.get("not_over"))
        or not set(meta.get("not_over") or []) <= set(nodes[table]["columns"])
    ]
    assert wrong == []


def test_no_additive_number_is_named_like_one_that_is_not(numbers: dict[Column, Meta]) -> None:
    assert [
        key for key, meta in numbers.items() if meta["additivity"] == "additive" and NO_SUM.search(key[1])
    ] == []


def test_a_mixed_currency_is_never_summed(nodes: dict[str, Meta], numbers: dict[Column, Meta]) -> None:
    """Where rows have several currencies, money is semi-additive or stands in the reporting currency."""
    wrong = []
    for (table, column), meta in numbers.items():
        schema = nodes[table]["config"]["meta"]["publish_to"]
        is_money = re.search(r"_(amount|value|cost)$|^(amount|claimed|credited|outstanding)$", column)
        if meta["additivity"] != "additive" or not is_money or "currency" not in nodes[table]["columns"]:
            continue
        if _number(f"select count(distinct currency) from {schema}.{table}") > 1:
            wrong.append((table, column))
    assert sorted(wrong) == [("credits_by_kind", "reporting_amount"), ("return_costs", "reporting_amount")]


# Their versions are kept, or they are signed in their currency: docs/decisions/0037.
ONLY_IN_THEIR_CURRENCY = {
    "refund_documents", "refund_documents__history", "refund_gap_periods", "refund_gap_periods__history",
    "period_postings", "refund_proof_as_reported", "refund_proof_as_restated", "restatements",
}  # fmt: skip


def test_beside_an_amount_in_a_currency_stands_one_in_the_reporting_currency(
    nodes: dict[str, Meta], numbers: dict[Column, Meta]
) -> None:
    alone = {
        table
        for (table, column), meta in numbers.items()
        if any("currency" in name for name in meta.get("not_over") or [])
        and not {f"{column.removesuffix('_amount')}_reporting", "reporting_amount"}
        & set(nodes[table]["columns"])
    }
    assert alone == ONLY_IN_THEIR_CURRENCY


def test_every_additive_number_adds_up_to_the_known_total(
    nodes: dict[str, Meta], numbers: dict[Column, Meta]
) -> None:
    differ, unknown = [], []
    for (table, column), meta in numbers.items():
        if meta["additivity"] != "additive":
            continue
        of = TOTALS.get(SAME_AS.get(table, table), {})
        if not (query := of.get(column, of.get("X", "").replace("X", column))):
            unknown.append((table, column))
            continue
        schema = nodes[table]["config"]["meta"]["publish_to"]
        found, known = _number(f"select sum({column}) from {schema}.{table}"), _number(query)
        if found != known:
            differ.append(f"{table}.{column}: {found}, known {known}")
    assert (differ, unknown) == ([], [])


def test_the_known_totals_are_of_columns_that_there_are(numbers: dict[Column, Meta]) -> None:
    of = {(table, column) for table, columns in TOTALS.items() for column in columns if column != "X"}
    assert of - {key for key, meta in numbers.items() if meta["additivity"] == "additive"} == set()


def test_no_slice_stands_among_those_that_make_it_up(nodes: dict[str, Meta]) -> None:
    mixed = []
    for table, node in nodes.items():
        schema = node["config"]["meta"]["publish_to"]
        texts = [c for c, kind in _types(schema, table) if kind == "text"]
        said = " or ".join(f"{column} = 'ALL'" for column in texts) or "false"
        if _number(f"select count(*) from {schema}.{table} where {said}"):
            mixed.append(table)
    # Those that do are closed to readers, who have a view of each slice: docs/decisions/0047.
    assert sorted(mixed) == ["cycle_slices", "cycle_step_slices"]
    for table in mixed:
        assert nodes[table]["config"]["meta"]["is_for_views"]
        for reader in ("bi_reader", "finance_reader"):
            may_read = f"has_table_privilege('{reader}', 'marts.{table}', 'select')"
            assert _number(f"select count(*) where {may_read}") == 0


RATES = (
    "product_return_rates", "lot_return_rates", "category_return_rates", "reason_return_rates",
    "product_reason_rates",
)  # fmt: skip


@pytest.mark.parametrize("table", RATES)
def test_rates_count_the_units_that_the_kpi_counts(published: None, table: str) -> None:
    kpi = "from marts.kpi_daily where kpi = 'product_return_rate' and basis"
    shipped = {"reason_return_rates": "max(all_shipped_quantity)"}.get(table, "sum(shipped_quantity)")
    returned = _number(f"select sum(returned_quantity) from marts.{table}")
    in_no_cohort = _number(f"select sum(unattributed_quantity) from marts.{table}")
    # What is in no cohort counts as well, and on the day that it came.
    for basis, units in (("SALE", returned - in_no_cohort), ("RETURN", returned)):
        assert units == _number(f"select sum(numerator) {kpi} = '{basis}'") > 0
        if table != "product_reason_rates":
            assert _number(f"select {shipped} from marts.{table}") == _number(
                f"select sum(denominator) {kpi} = '{basis}'"
            )


def test_no_cohort_has_a_numerator_alone(published: None) -> None:
    cells = "select count(*) from marts.kpi_daily where basis = 'SALE' and numerator <> 0"
    assert _number(cells) > 0
    assert _number(f"{cells} and denominator = 0") == 0


# --- Levels


def test_levels_now_are_those_of_the_last_day(published: None) -> None:
    """Open units as core has them on the last day, counted once though 35 days of them are kept."""
    units = _number(
        "select sum(s.open_quantity) from core.snap_open_returns as s inner join core.fct_return_line as l"
        f" using (return_line_key) where l.is_counted and s.snapshot_date = '{HISTORY}'"
    )
    now = "select sum(denominator) from marts.kpi_levels_now where kpi = 'open_return_units.0_7'"
    assert _number(now) == units > 0
    assert _rows("select distinct period_date from marts.kpi_levels_now where basis = 'SNAPSHOT'") == [
        (HISTORY,)
    ]
    every_day = "select sum(denominator) from marts.kpi_daily where kpi = 'open_return_units.0_7'"
    assert _number(every_day) >= units
    stock = "select sum(quantity) from marts.returned_stock_now"
    assert _number(stock) == _number(
        f"select sum(quantity) from marts.returned_stock where snapshot_date = '{HISTORY}'"
    )
    assert len(_rows("select distinct month from finance.refund_liability_now")) == 1


def test_a_level_of_a_day_is_of_the_last_day_counted_up_to_it(published: None) -> None:
    """Stock of long ago is counted at each month's end: on 10 November that of 31 October holds."""
    of_kpi = "where kpi = 'returned_stock_value'"
    with connect("bi_reader") as connection:
        found = connection.execute(
            "select min(period_date), max(period_date), sum(denominator)"
            f" from marts.kpi_levels_on('2025-11-10') {of_kpi}".encode()
        ).fetchone()
    day = dt.date(2025, 10, 31)
    units = _number(
        f"select sum(quantity) from core.snap_returned_stock where is_product and snapshot_date = '{day}'"
    )
    assert found == (day, day, units) and units > 0


def test_open_returns_of_the_business_date_are_those_of_the_backlog(published: None) -> None:
    columns = "sum(return_lines), sum(open_units), sum(open_value)"
    day = f"select {columns} from marts.open_returns_by_day where snapshot_date = '{HISTORY}'"
    assert _rows(day) == _rows(f"select {columns} from marts.return_backlog")
    days = _number("select count(distinct snapshot_date) from marts.open_returns_by_day")
    assert days > 35, "the last 35 days, and month ends before them"


@pytest.mark.parametrize("basis", ["SALE", "RETURN", "REFUND", "REQUEST", "CLAIM", "STOCK", "SNAPSHOT"])
def test_a_view_of_a_basis_has_its_final_rows_and_no_other(published: None, basis: str) -> None:
    cell = "kpi, period_date, channel, product_category, site, currency, numerator, denominator"
    view = _rows(f"select {cell} from marts.kpi_daily_by_{basis.lower()} order by {cell}")
    expected = _rows(
        f"select {cell} from marts.kpi_daily where basis = '{basis}'"
        f" and (is_mature or kpi = 'return_cost_in_process') order by {cell}"
    )
    assert view == expected
    assert len(view) > 0


# --- Headlines


def _final(kpi: str, basis: str) -> Decimal | None:
    """The headline, by hand: mature rows; of a level its last day, of what is open everything."""
    where = f"kpi = '{kpi}' and basis = '{basis}'"
    if basis in LEVELS:
        where += f" and period_date = (select max(period_date) from marts.kpi_daily where {where})"
    elif kpi != "return_cost_in_process":
        where += " and is_mature"
    (row,) = _rows(f"select sum(numerator) / nullif(sum(denominator), 0) from marts.kpi_daily where {where}")
    return None if row[0] is None else Decimal(row[0])


CELLS = [(kpi, basis) for kpi in kpis() for basis in kpi.bases]


@pytest.fixture(scope="module")
def scorecard(published: None) -> dict[tuple[str, str], Line]:
    """What the page shows, by KPI and basis."""
    rows = read_scorecard_rows()
    found: dict[tuple[str, str], Line] = {}
    for _, of in groups(rows.definitions, rows.days):
        for series in (series for group in of for series in group.series):
            found |= {(series.kpi, line.basis): line for line in series.lines}
            found |= {(part.kpi, part.line.basis): part.line for part in series.parts}
    return found


@pytest.fixture(scope="module")
def metrics(published: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float | None]:
    """Every metric over everything."""
    file = tmp_path_factory.mktemp("mf") / "answer.csv"
    names = ",".join(kpi.metric(basis) for kpi, basis in CELLS)
    asked = ["query", "--metrics", names, "--decimals", "12", "--csv", str(file)]
    done = metricflow.run(asked, is_quiet=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = csv.DictReader(file.open(encoding="utf-8"))
    return {name: float(value) if value else None for name, value in row.items()}


@pytest.mark.parametrize(("kpi", "basis"), CELLS, ids=[kpi.metric(basis) for kpi, basis in CELLS])
def test_scorecard_terminal_and_metrics_show_the_same_final_figure(
    scorecard: dict[tuple[str, str], Line], metrics: dict[str, float | None], kpi: Kpi, basis: str
) -> None:
    final = _final(kpi.name, basis)
    line = scorecard.get((kpi.name, basis))
    assert (line.ratio if line else None) == (None if final is None else pytest.approx(final))
    assert metrics[kpi.metric(basis)] == (None if final is None else pytest.approx(float(final)))
    if kpi.name in HEADLINES:
        (shown,) = (r for r in read_figures().kpis if (r["kpi"], r["basis"]) == (kpi.name, basis))
        assert shown["ratio"] == (None if final is None else pytest.approx(final))


def test_what_may_still_change_would_have_shown_other_figures(published: None) -> None:
    """The rate of all cohorts is lower than that of the final ones: young ones still bring returns."""
    everything = _number(
        "select sum(numerator) / sum(denominator) from marts.kpi_daily"
        " where kpi = 'product_return_rate' and basis = 'SALE'"
    )
    assert (_final("product_return_rate", "SALE") or 0) > everything


# --- What the database tells


def test_every_published_table_and_column_says_what_it_holds(nodes: dict[str, Meta]) -> None:
    silent = []
    for table, node in nodes.items():
        for column, told, of_table in _comments(node["config"]["meta"]["publish_to"], table):
            if not of_table or not told:
                silent.append((table, column))
    assert silent == []
    assert {"kpi_definitions", "refund_classes", "refund_gaps", "refund_patterns"} <= set(nodes)


def _comments(schema: str, table: str) -> list[tuple[Any, ...]]:
    return _rows(
        "select a.attname, col_description(a.attrelid, a.attnum), obj_description(a.attrelid, 'pg_class')"
        f" from pg_attribute as a where a.attrelid = '{schema}.{table}'::regclass and a.attnum > 0"
        " and not a.attisdropped"
    )


def test_a_column_tells_bi_tools_whether_it_adds_up(published: None) -> None:
    told = {column: text for column, text, _ in _comments("marts", "returned_stock")}
    assert told["quantity"] == "Units in stock. Semi-additive: never add up over snapshot_date."
    assert told["sku_days_of_stock"].endswith(" Not additive.")
    assert told["site"] == "Site."


def test_a_reader_of_bi_sees_every_new_view(published: None) -> None:
    with connect("bi_reader") as connection:
        for name in ("kpi_daily_by_sale", "kpi_levels_now", "returned_stock_now", "lot_return_rates"):
            connection.execute(f"select * from marts.{name} limit 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from finance.refund_liability_now")


# --- What the how-to asks


def test_the_questions_of_what_to_do_next_are_answered(published: None) -> None:
    text = (ROOT / "docs" / "how-to" / "decide.md").read_text(encoding="utf-8")
    asked = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(asked) >= 8
    with connect("bi_reader") as connection:
        for query in asked:
            connection.execute(query.encode())
