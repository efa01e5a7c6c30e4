"""Superset with the dashboards in it, over a built company: every tile, six figures, and who may see what.

The metrics are asked of PostgreSQL first, without Superset.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, Response
from scipy.stats import false_discovery_control, norm

from revlog.bi import loopback
from revlog.bi.assets_files import FOLDER
from revlog.bi.dashboards import DASHBOARDS
from revlog.bi.datasets import ABOVE_CATEGORY, FINANCE, Dataset, datasets
from revlog.database.connections import connect
from revlog.metrics.definitions import kpis
from revlog.night import stages
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.browser import chromium
from tests.nights import build_night

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

NIGHT = dt.date(2026, 1, 31)
TITLES = {"Returns": "bi_reader", FINANCE: "finance_reader"}
OF_DATASETS = [pytest.param(found, id=found.name) for found in datasets()]
# What a tile shows in place of its figures, where its question fails and where it has no rows.
TROUBLE = ".ant-alert-error"
EMPTY = ".ant-empty, .header-line:text-is('No data')"
# Of these no rows are good news, and a small company may have none.
MAY_BE_EMPTY = {
    "Units with an issue, newest first", "Checks that failed", "KPIs that are not complete, and why",
    "What got worse, by money at stake",
}  # fmt: skip
TILES = "[data-test='chart-grid-component']"


@pytest.fixture(scope="module")
def built(database: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A dense company's history, built and published."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=2_500, seed=7,
            start=dt.date(2025, 6, 1), history_end=NIGHT, nights=0, dirt=1.0, habits=DENSE,
        )
    )  # fmt: skip
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, NIGHT.isoformat())
    build_id = build_night(NIGHT)
    stages.publish(build_id)
    # How long the night took is kept with its end.
    stages.complete(build_id)


def _one(role: str, query: str, *values: Any) -> Any:
    with connect(role) as connection:
        row = connection.execute(query, values or None).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def _from(found: Dataset) -> str:
    return f"({found.sql}) as q" if found.sql else found.source


# --- metrics


@pytest.mark.parametrize("found", OF_DATASETS)
def test_columns_and_metrics_of_a_dataset_are_there_for_its_reader(built: None, found: Dataset) -> None:
    with connect(TITLES[found.database]) as connection:
        cursor = connection.execute(f"select * from {_from(found)} limit 0")
        assert cursor.description is not None
        assert [column.name for column in cursor.description] == [column.name for column in found.columns]
        for metric in found.metrics:
            connection.execute(f"select {metric.expression} from {_from(found)}")


ROWS = """(values
    ('product_return_rate', 'SALE', 'WEB', 3.0, 10, true),
    ('product_return_rate', 'SALE', 'STORE', 1, 30, true),
    ('product_return_rate', 'SALE', 'WEB', 50, 50, false),
    ('product_return_rate', 'RETURN', 'WEB', 7, 9, true),
    ('return_cost_in_process', 'RETURN', 'WEB', 12, 4, false), ('csat', 'REQUEST', 'WEB', 0, 0, true)
) as rows (kpi, basis, channel, numerator, denominator, is_mature)"""


def _by_hand(name: str, channel: str = "%") -> Any:
    (metric,) = [m for d in datasets() if d.name == "kpis" for m in d.metrics if m.name == name]
    return _one("bi_reader", f"select {metric.expression} from {ROWS} where channel like %s", channel)


def test_a_kpi_is_sum_over_sum_of_final_rows_under_any_grouping(database: Path) -> None:
    assert _by_hand("product_return_rate_sale") == Decimal("0.1")  # (3 + 1) / (10 + 30)
    assert _by_hand("product_return_rate_sale", "STORE") == pytest.approx(Decimal(1) / 30)
    assert _by_hand("product_return_rate_return") == pytest.approx(Decimal(7) / 9)
    assert _by_hand("return_cost_in_process") == 3, "what is still open has no final rows"
    assert _by_hand("csat") is None, "nothing over nothing is no figure"


def test_a_level_is_never_added_up_over_days(database: Path) -> None:
    (metric,) = [m for d in datasets() for m in d.metrics if m.name == "open_units_a_day"]
    days = (
        "(values (date '2026-01-30', 4), ('2026-01-30', 6), ('2026-01-31', 20))"
        " as days (snapshot_date, open_units)"
    )
    assert _one("bi_reader", f"select {metric.expression} from {days}") == 15  # 10 and 20, and not 30


def test_amounts_of_several_currencies_have_no_sum(database: Path) -> None:
    (metric,) = [m for d in datasets() for m in d.metrics if m.name == "open_amount"]
    rows = (
        "(values ('EUR', -5, 'open', true), ('EUR', 2, 'waiting', true), ('EUR', 9, 'explained', true),"
        " ('EUR', 7, 'open', false), ('SEK', 100, 'open', true)) as e (currency, amount, status, is_chain)"
    )
    euros = f"select {metric.expression} from {rows} where currency = 'EUR'"
    assert _one("bi_reader", euros) == 7  # 5 and 2, both ways owed
    assert _one("bi_reader", f"select {metric.expression} from {rows}") is None
    (items,) = [m for d in datasets() for m in d.metrics if m.name == "open_items"]
    assert _one("bi_reader", f"select {items.expression} from {rows}") == 3  # not the one beside the chain


@pytest.mark.parametrize(
    ("pending", "shown"), [("(5.00), (0)", 5), ("(0.00), (0)", 0), ("(null::numeric), (null)", None)]
)
def test_no_refund_under_way_is_none_and_refunds_of_which_nobody_tells_are_not(
    database: Path, pending: str, shown: int | None
) -> None:
    (metric,) = [m for d in datasets() for m in d.metrics if m.name == "pending_refunds"]
    customers = f"(values {pending}) as customers (pending_refund_value) where {metric.rows}"
    assert _one("bi_reader", f"select {metric.expression} from {customers}") == shown


def test_steps_stand_in_the_order_of_the_process(database: Path) -> None:
    """A stack sorts by name, and RECEIVED would stand before REQUESTED."""
    for dataset, column, steps, shown in (
        ("open_returns_by_day", "t.last_step", "RECEIVED REQUESTED IN_TRANSIT INSPECTED APPROVED",
         ["1 requested", "2 approved", "3 in transit", "4 received", "5 inspected"]),
        ("pipeline_stages", "stage", "publish dbt gate ingest", ["1 ingest", "2 gate", "3 dbt", "4 publish"]),
    ):  # fmt: skip
        (found,) = [d for d in datasets() if d.name == dataset]
        (expression,) = re.findall(r"^ +(.*) as step$", found.sql, re.M)
        values = ", ".join(f"('{step}')" for step in steps.split())
        with connect("bi_reader") as connection:
            rows = connection.execute(
                f"select {expression} from (values {values}) as t ({column.removeprefix('t.')}) order by 1"
            ).fetchall()
        assert [step for (step,) in rows] == shown


def test_who_is_waited_for_goes_by_the_next_step(database: Path) -> None:
    steps = (
        "customer hands the parcel to the carrier", "customer sends the goods back",
        "carrier delivers to the site", "refund or close", "decide the request", "inspect and grade",
    )  # fmt: skip
    values = ", ".join(f"('{step}')" for step in steps)
    lines = f"(values {values}, (null)) as lines (next_step)"
    found = {
        m.name: _one("bi_reader", f"select {m.expression} from {lines}")
        for d in datasets() for m in d.metrics if m.name.startswith("waits_for_")
    }  # fmt: skip
    assert found == {"waits_for_customer": 2, "waits_for_carrier": 1, "waits_for_us": 3}


def test_ages_sort_as_ages(database: Path) -> None:
    (found,) = [d for d in datasets() if d.name == "refund_exceptions"]
    (expression,) = re.findall(r"^ +(.*) as age_group$", found.sql, re.M)
    ages = ("0-3", "4-7", "8-14", "15-30", "31-60", "61-90", "90+")
    values = ", ".join(f"('{age}')" for age in reversed(ages))
    with connect("bi_reader") as connection:
        rows = connection.execute(
            f"select age_bucket, {expression} as shown"
            f" from (values {values}) as t (age_bucket) order by shown"
        ).fetchall()
    assert tuple(age for age, _ in rows) == ages
    assert [shown for _, shown in rows][:3] == ["00-03 days", "04-07 days", "08-14 days"]


def test_seconds_at_work_count_once_what_ran_at_the_same_time(database: Path) -> None:
    (metric,) = [
        m for d in datasets() for m in d.metrics if (d.name, m.name) == ("pipeline_stages", "seconds")
    ]
    rows = (
        "(values ('ingest', 'ok', timestamptz '2026-01-31 01:00:00Z', timestamptz '2026-01-31 01:00:30Z'),"
        " ('ingest', 'ok', '2026-01-31 01:00:20Z', '2026-01-31 01:00:50Z'),"
        " ('dbt', 'ok', '2026-01-31 01:02:00Z', '2026-01-31 01:02:05Z'),"
        " ('night', 'ok', '2026-01-31 01:00:00Z', '2026-01-31 01:10:00Z'))"
        " as runs (stage, outcome, started_at, finished_at)"
    )
    assert _one("bi_reader", f"select {metric.expression} from {rows}") == 55  # 50 of the files, and 5


def test_a_product_is_above_its_category_only_by_more_than_chance_among_all(database: Path) -> None:
    rng = np.random.default_rng(11)
    shipped = rng.integers(5, 400, 60)
    returned = rng.binomial(shipped, 0.2)
    returned[:3] = shipped[:3] * 0.45
    values = ", ".join(
        f"({n}, {of}, {back}, 0.2)" for n, (of, back) in enumerate(zip(shipped, returned, strict=True))
    )
    columns = "sku, shipped_quantity, returned_quantity, category_rate"
    query = f"with rates ({columns}) as (values {values}), {ABOVE_CATEGORY.format(columns=columns)}"
    with connect("bi_reader") as connection:
        found = {row[0]: row[4:] for row in connection.execute(query).fetchall()}
    judged = [n for n in range(60) if shipped[n] * 0.2 >= 5]
    expected, spread = shipped * 0.2, np.sqrt(shipped * 0.2 * 0.8)
    chances = false_discovery_control(norm.sf((returned - 0.5 - expected) / spread)[judged])
    assert 10 < len(judged) < 60
    for n, chance in zip(judged, chances, strict=True):
        assert float(found[n][0]) == pytest.approx(chance, abs=1e-5)
        assert found[n][1] is bool(chance <= 0.05)
    assert 1 <= sum(above for _, above in found.values()) <= 4
    assert all(found[n] == (None, False) for n in range(60) if n not in judged)


def test_a_month_of_a_lead_time_is_over_and_counts_what_is_open(built: None) -> None:
    (found,) = [d for d in datasets() if d.name == "cycle_months"]
    rows = f"select max(month_begins), sum(censored) from {_from(found)}"
    last, censored = _one("bi_reader", rows)
    assert last == NIGHT.replace(day=1)  # the night is the last of its month
    assert censored > 0


Day = tuple[dt.date, Decimal, Decimal, Decimal]


def _days() -> dict[tuple[str, str], list[Day]]:
    """Of each KPI that is a flow: day, denominator, and what is final of denominator and numerator."""
    matures = {kpi.name: kpi.matures for kpi in kpis()}
    with connect("auditor") as connection:
        cells = connection.execute(
            "select kpi, basis, period_date, is_mature, numerator, denominator from marts.kpi_daily"
            " where basis not in ('STOCK', 'SNAPSHOT') and denominator is not null"
        ).fetchall()
    sums: dict[tuple[str, str], dict[dt.date, list[Decimal]]] = {}
    for kpi, basis, day, is_mature, above, below in cells:
        found = sums.setdefault((kpi, basis), {}).setdefault(day, [Decimal(0)] * 3)
        is_final = is_mature or not matures[kpi]
        found[:] = [found[0] + below, found[1] + is_final * below, found[2] + is_final * above]
    return {pair: [(day, *row) for day, row in sorted(days.items())] for pair, days in sums.items()}


def _last_day(days: list[Day]) -> dt.date | None:
    """The last day up to which nine tenths of 28 days are final."""
    for last, *_ in reversed(days):
        window = [row for row in days if last - dt.timedelta(days=27) <= row[0] <= last]
        if sum(row[2] for row in window) >= Decimal("0.9") * sum(row[1] for row in window):
            return last
    return None


def test_periods_of_28_days_end_where_nine_tenths_are_final(built: None) -> None:
    (found,) = [d for d in datasets() if d.name == "kpis"]
    with connect("bi_reader") as connection:
        periods = connection.execute(
            "select kpi, basis, period_end, min(period_date), max(period_date)"
            f" from {_from(found)} where period_end is not null group by kpi, basis, period_end"
        ).fetchall()
    assert all(end - dt.timedelta(days=27) <= first <= last <= end for _, _, end, first, last in periods)
    ends = {(kpi, basis): max(p[2] for p in periods if p[:2] == (kpi, basis)) for kpi, basis, *_ in periods}
    expected = {pair: _last_day(days) for pair, days in _days().items()}
    assert len(expected) >= 35
    # Superset shows rows by the first column: those of the figure before those of the line.
    assert found.columns[0].name == "periods_ago"
    with connect("bi_reader") as connection:
        first = connection.execute(
            f"select kpi, basis, max(period_end), min(period_end) from {_from(found)} where periods_ago = 0"
            " group by kpi, basis"
        ).fetchall()
    assert {(kpi, basis): (last, last) for (kpi, basis), last in ends.items()} == {
        (kpi, basis): (last, also) for kpi, basis, last, also in first
    }
    assert {pair: ends.get(pair) for pair in expected if expected[pair]} == {
        pair: last for pair, last in expected.items() if last
    }


def test_the_pipeline_shows_no_name_of_a_file_and_no_refused_row(built: None) -> None:
    with connect("bi_reader") as connection:
        shown = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'ops'"
        ).fetchall()
    assert {table for table, _ in shown} == {
        "pipeline_files", "pipeline_refusals", "pipeline_stages", "pipeline_checks",
    }  # fmt: skip
    assert not {c for _, c in shown} & {"name", "raw_text", "sample", "observed", "message", "amounts"}


# --- Superset itself


@pytest.fixture(scope="module")
def superset(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Superset on a free port over the company, with metadata of its own; yields its address."""
    if not (loopback.environment_folder() / ".ready").exists():
        pytest.skip(f"there is no Superset in {loopback.environment_folder()}: make .venv-bi/.ready")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BI_PORT", "")
        patch.setattr(loopback, "PREFERRED_PORT", 0)
        loopback.up()
        try:
            yield loopback.url()
        finally:
            loopback.down()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def session(superset: str, browser: Browser) -> Iterator[Page]:
    """A page of finance's user, who may see every dashboard."""
    yield (opened := _logged_in(superset, browser, "finance"))
    opened.context.close()


Opened = dict[str, tuple[Page, list[tuple[int, str]]]]


@pytest.fixture(scope="module")
def opened(session: Page, superset: str) -> Opened:
    """Every dashboard in a tab of its own, with the answers to its tiles' questions."""
    found: Opened = {}
    for dashboard in DASHBOARDS:
        tab = session.context.new_page()
        tab.set_default_timeout(60_000)
        found[dashboard.slug] = (tab, _open(tab, superset, dashboard.slug))
    return found


def _logged_in(
    address: str, browser: Browser, user: str, width: int = 1440, scheme: Literal["light", "dark"] = "light"
) -> Page:
    # High enough that every tile is in sight: Superset draws no other.
    context = browser.new_context(viewport={"width": width, "height": 4000}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/login/")
    page.fill("#username", user)
    page.fill("#password", loopback.password(user))
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    return page


def _open(page: Page, address: str, slug: str, query: str = "") -> list[tuple[int, str]]:
    """Open a dashboard until nothing loads any more; returns the answers to its tiles' questions."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(f"{address}/superset/dashboard/{slug}/{query}")
    page.wait_for_selector(TILES)
    _settle(page)
    page.remove_listener("response", note)
    return [(a.status, a.url) for a in answers if "/api/v1/chart/data" in a.url]


def _settle(page: Page) -> None:
    quiet = 0
    for _ in range(480):
        page.wait_for_timeout(250)
        quiet = quiet + 1 if page.locator(".loading").count() == 0 else 0
        if quiet == 6:
            return
    raise AssertionError("tiles are still loading after two minutes")


def _shown(page: Page, title: str) -> str:
    """The large figure of a tile."""
    return str(_figure(page, title).inner_text()).strip()


def _figure(page: Page, title: str) -> Locator:
    return page.locator(f"{TILES}[data-test-chart-name='{title}'] .header-line")


def _tiles(slug: str) -> int:
    (found,) = [d for d in DASHBOARDS if d.slug == slug]
    return sum(map(len, found.rows))


@pytest.mark.parametrize("slug", [dashboard.slug for dashboard in DASHBOARDS])
def test_every_tile_of_a_dashboard_answers(opened: Opened, slug: str) -> None:
    page, answers = opened[slug]
    assert [answer for answer in answers if answer[0] != 200] == []
    assert len(answers) >= _tiles(slug)
    assert page.locator(TILES).count() == _tiles(slug)
    assert page.locator(TROUBLE).all_inner_texts() == []
    empty = {str(tile.get_attribute("data-test-chart-name")) for tile in page.locator(TILES).all()
             if tile.locator(EMPTY).count()}  # fmt: skip
    assert empty <= MAY_BE_EMPTY


def _rate(value: Any) -> str:
    return f"{value * 100:.1f}%"


def _whole(value: Any) -> str:
    return f"{value:,.0f}"


# By dashboard and tile: a query written here, of the marts, and how the figure is shown.
FIGURES = [
    ("operations", "Overdue return lines", _whole,
     "select count(*) from marts.return_tracking where is_overdue"),
    ("what-next", "Wait for a decision", _whole, "select sum(open_units) from marts.disposition_advice"),
    ("what-next", "Expected in the next 7 days", _whole,
     "select sum(expected_units) from marts.return_forecast where week_ahead = 1"),
    ("operations", "Open units", _whole, "select sum(open_quantity) from marts.return_tracking"),
    ("customer-service", "Wait for us", _whole,
     "select count(*) from marts.return_tracking where open_quantity > 0"
     " and status in ('REQUESTED', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INSPECTED', 'IN_PROCESS')"),
    ("compliance", "Regulated units", _whole, "select sum(quantity) from marts.regulated_units"),
    ("finance", "Agree to the cent", _rate,
     "select avg(case when is_reconciled then 1 else 0 end) from finance.refund_reconciliation"),
    ("finance", "Refund liability", lambda value: f"{value:,.0f} €",
     "select sum(refund_liability) from finance.refund_liability"
     " where month = (select max(month) from finance.refund_liability)"),
    ("pipeline", "Rows refused", _whole, "select count(*) from ops.quarantine"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("slug", "title", "form", "query"), FIGURES, ids=[f"{f[0]}: {f[1]}" for f in FIGURES]
)
def test_a_figure_is_that_of_the_marts(opened: Opened, slug: str, title: str, form: Any, query: str) -> None:
    value = _one("auditor", query)
    assert value, "a figure that is nothing shows nothing"
    assert _shown(opened[slug][0], title) == form(value)


def test_a_headline_is_of_the_last_28_final_days_and_compares_with_the_28_before(opened: Opened) -> None:
    days = _days()["product_return_rate", "SALE"]
    last = _last_day(days)
    assert last is not None
    rates = []
    for end in (last, last - dt.timedelta(days=28)):
        window = [row for row in days if end - dt.timedelta(days=27) <= row[0] <= end]
        rates.append(sum(row[3] for row in window) / sum(row[2] for row in window))
    page, _ = opened["product-quality"]
    assert _shown(page, "Product return rate") == _rate(rates[0])
    tile = page.locator(f"{TILES}[data-test-chart-name='Product return rate, over time']").inner_text()
    assert f"{(rates[0] / rates[1] - 1) * 100:+.1f}% relative to the 28 days before" in tile
    assert f"28 days to {last}" in tile


def _filter_id(slug: str, name: str) -> str:
    config = yaml.safe_load((FOLDER / "dashboards" / f"{slug}.yaml").read_text())
    (found,) = [
        f["id"]
        for f in config["metadata"]["native_filter_configuration"]
        if f["name"].startswith(f"{name} (")
    ]
    return str(found)


def test_a_filter_narrows_the_figures(session: Page, superset: str) -> None:
    channel = _filter_id("operations", "Channel")
    chosen = (
        f"?native_filters=({channel}:(id:{channel},"
        "extraFormData:(filters:!((col:channel,op:IN,val:!(WEB)))),"
        "filterState:(value:!(WEB)),ownState:()))"
    )
    _open(session, superset, "operations", chosen)
    lines = "select count(*) from marts.return_tracking where is_open"
    web, all_lines = _one("auditor", f"{lines} and channel = 'WEB'"), _one("auditor", lines)
    assert 0 < web < all_lines
    assert _shown(session, "Open return lines") == _whole(web)


def test_a_click_in_one_tile_narrows_the_others(opened: Opened) -> None:
    page, _ = opened["pipeline"]
    page.locator("td", has_text=re.compile("^erp_items$")).first.click()
    _settle(page)
    refused = _one("auditor", "select count(*) from ops.quarantine where feed = 'erp_items'")
    assert 0 < refused < _one("auditor", "select count(*) from ops.quarantine")
    assert _shown(page, "Rows refused") == _whole(refused)


def test_a_figure_leads_to_its_rows(opened: Opened) -> None:
    page, _ = opened["operations"]
    _figure(page, "Overdue return lines").click(button="right")
    page.get_by_text("Drill to detail", exact=True).last.click()
    overdue = _one("auditor", "select count(*) from marts.return_tracking where is_overdue")
    page.get_by_role("dialog").get_by_text(re.compile(rf"^\s*{overdue} rows?\s*$")).wait_for()


def _rows_told(page: Page) -> int:
    """How many rows the window with the rows of a figure says that it has."""
    told = page.get_by_role("dialog").get_by_text(re.compile(r"^\s*[\d,.k]+ rows?\s*$"))
    told.wait_for()
    return int(re.sub(r"\D", "", told.inner_text()))


@pytest.mark.parametrize(
    ("tile", "query"),
    [
        ("Cost per return", "select count(*) from marts.kpi_daily where kpi = 'cost_per_return'"
         " and basis = 'RETURN' and is_mature and period_date between %s and %s"),
        ("Return cycle time", "select 1 where %s < %s"),
    ],
)  # fmt: skip
def test_a_figure_above_a_line_leads_to_just_its_rows(
    session: Page, superset: str, tile: str, query: str
) -> None:
    """Not to those of all the line: to the cells of the newest 28 days, to the one month."""
    last = _last_day(_days()["cost_per_return", "RETURN"])
    assert last is not None
    rows = _one("auditor", query, last - dt.timedelta(days=27), last)
    assert rows > 0
    _open(session, superset, "operations")
    assert not session.locator(f"{TILES}[data-test-chart-name='{tile}, over time'] .header-line").is_visible()
    _figure(session, tile).click(button="right")
    session.get_by_text("Drill to detail", exact=True).last.click()
    assert _rows_told(session) == rows


@pytest.mark.parametrize("width", [390, 1440])
def test_in_the_dark_and_on_a_phone_no_word_of_what_a_dashboard_is_for_is_cut(
    superset: str, browser: Browser, width: int
) -> None:
    page = _logged_in(superset, browser, "finance", width=width, scheme="dark")
    try:
        _open(page, superset, "operations")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
        cut = page.evaluate(
            "[...document.querySelectorAll('.dashboard-markdown .dashboard-component')]"
            ".map(one => one.scrollHeight - one.clientHeight)"
        )
        assert len(cut) == 2 and max(cut) <= 1
    finally:
        page.context.close()


def _client(address: str, user: str) -> httpx.Client:
    login = {"username": user, "password": loopback.password(user), "provider": "db"}
    answer = httpx.post(f"{address}/api/v1/security/login", json=login, timeout=60)
    answer.raise_for_status()
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return httpx.Client(base_url=f"{address}/api/v1", headers=bearer, timeout=60)


def _listed(client: httpx.Client, what: str, column: str) -> set[str]:
    return {row[column] for row in client.get(f"/{what}/", params={"q": "(page_size:200)"}).json()["result"]}


def test_finance_alone_sees_its_dashboard(superset: str) -> None:
    everyones = {d.slug for d in DASHBOARDS} - {"finance"}
    with _client(superset, "reader") as reader, _client(superset, "finance") as finance:
        assert _listed(reader, "dashboard", "slug") == everyones
        assert _listed(finance, "dashboard", "slug") == everyones | {"finance"}
        assert reader.get("/dashboard/finance").status_code in (403, 404)
        assert finance.get("/dashboard/finance").status_code == 200
        tables = _listed(finance, "dataset", "table_name")
        assert "refund_exceptions" in tables
        assert "refund_exceptions" not in _listed(reader, "dataset", "table_name")
        found = finance.get("/dataset/", params={"q": "(page_size:200)"}).json()["result"]
        (number,) = [row["id"] for row in found if row["table_name"] == "refund_exceptions"]
        asked = {
            "datasource": {"id": number, "type": "table"},
            "queries": [{"metrics": ["items"], "columns": [], "filters": []}],
        }
        assert finance.post("/chart/data", json=asked).status_code == 200
        assert reader.post("/chart/data", json=asked).status_code == 403


def test_nobody_gets_in_without_a_login_or_with_a_usual_one(superset: str) -> None:
    assert httpx.get(f"{superset}/api/v1/dashboard/", timeout=60).json().get("result", []) == []
    for password in ("admin", "general", "reader", ""):
        login = {"username": "admin", "password": password, "provider": "db"}
        assert httpx.post(f"{superset}/api/v1/security/login", json=login, timeout=60).is_error


def test_a_second_start_changes_nothing_and_keeps_what_people_made(superset: str) -> None:
    with _client(superset, "admin") as admin:
        proof = {"X-CSRFToken": admin.get("/security/csrf_token/").json()["result"], "Referer": superset}
        made = {"dashboard_title": "Made by hand", "published": True}
        assert admin.post("/dashboard/", json=made, headers=proof).status_code == 201
        (loopback.home() / "prepared").write_text("another version")
        loopback.up()
    with _client(loopback.url(), "admin") as admin:
        titles = [row["dashboard_title"] for row in admin.get("/dashboard/").json()["result"]]
    assert sorted(titles) == sorted(["Made by hand", *(d.title for d in DASHBOARDS)])
