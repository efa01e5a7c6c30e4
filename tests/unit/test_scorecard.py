"""The scorecards' KPIs and pages, from rows written by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from lxml import html

from revlog.contracts.contract import all_feeds
from revlog.metrics.definitions import kpis
from revlog.reports import ahead, charts, finance_page, kpi_series, scorecard_leads
from revlog.reports.carried import by_lack
from revlog.reports.figures import Figures
from revlog.reports.kpi_cards import KpiCards
from revlog.reports.kpi_series import KpiSeries, Line, Sums
from revlog.reports.leads import Figure, since
from revlog.reports.libraries import scripts
from revlog.reports.nights import Night
from revlog.reports.reconciliation import Reconciliation, by_class
from revlog.reports.scorecard import Beside, made, page
from revlog.reports.scorecard_rows import ScorecardRows
from revlog.reports.units import counted_in

TODAY = dt.date(2026, 2, 10)
ANGRY = "<img src=x onerror=alert(1)>"


def _definition(kpi: str, **more: str) -> dict[str, Any]:
    words = {
        "title": kpi.replace("_", " ").capitalize(), "question": "Why?", "formula": "a / b", "unit": "ratio",
        "bases": "RETURN", "better": "down", "caveats": "", "needs": "",
        "completeness": "complete", "reason": None, "lacking_feeds": None, "numerator_unit": "units",
        "denominator_unit": "units", "also_called": "",
    }  # fmt: skip
    return {"kpi": kpi, **words, **more}


def _lacking(kpi: str, feeds: str | None, **more: str) -> dict[str, Any]:
    return _definition(kpi, **more) | {"completeness": "lacking", "lacking_feeds": feeds}


def _day(
    kpi: str, day: str, above: int, below: int, basis: str = "RETURN", final: tuple[int, int] | None = None
) -> dict[str, Any]:
    """One day of a KPI; `final` is what of it is final, all of it unless given."""
    of_final = (above, below) if final is None else final
    return {
        "kpi": kpi, "basis": basis, "currency": "EUR", "day": dt.date.fromisoformat(day),
        "numerator": Decimal(above), "denominator": Decimal(below), "rows": 1,
        "final_rows": int(of_final == (above, below)),
        "final_numerator": Decimal(of_final[0]), "final_denominator": Decimal(of_final[1]),
    }  # fmt: skip


def _open(kpi: str, day: str, above: int, below: int) -> dict[str, Any]:
    return _day(kpi, day, above, below, final=(0, 0))


def _one(definitions: list[dict[str, Any]], days: list[dict[str, Any]]) -> KpiSeries:
    (found,) = (s for _, gs in kpi_series.groups(definitions, days) for g in gs for s in g.series)
    return found


def _of(days: list[dict[str, Any]], kpi: str = "restock_rate", **more: Any) -> Line:
    return _one([_definition(kpi) | more], days).lines[0]


def test_the_headline_is_the_month_to_date_beside_the_same_days_before() -> None:
    line = _of(
        [
            _day("restock_rate", "2026-01-10", 10, 100), _day("restock_rate", "2026-01-11", 90, 100),
            _day("restock_rate", "2026-02-03", 10, 20), _day("restock_rate", "2026-02-10", 5, 20),
        ]
    )  # fmt: skip
    assert line.now == Sums(Decimal(15), Decimal(40), "1–10 Feb 2026")
    assert line.before == Sums(Decimal(10), Decimal(100), "1–10 Jan 2026")
    assert line.difference == Decimal("0.275")
    # All days stand apart: 10 + 90 + 10 + 5 of 240.
    assert (line.numerator, line.denominator) == (115, 240)


def test_a_february_of_one_day_is_no_month() -> None:
    line = _of(
        [
            _day("restock_rate", "2025-12-31", 20, 100), _day("restock_rate", "2026-01-31", 30, 100),
            _day("restock_rate", "2026-02-01", 9, 9),
        ]
    )  # fmt: skip
    assert (line.now, line.before) == (
        Sums(Decimal(30), Decimal(100), "Jan 2026"), Sums(Decimal(20), Decimal(100), "Dec 2025"),
    )  # fmt: skip
    assert [point.sums.days for point in line.points] == ["Dec 2025", "Jan 2026"]


def test_a_month_whose_returns_are_open_yet_is_no_headline() -> None:
    """Those of January that are final are the ones that ended fast: 2 of 10 for 5 of 10."""
    days = [_day("restock_rate", "2025-11-30", 4, 10), _day("restock_rate", "2025-12-31", 5, 10)]
    days += [_open("restock_rate", f"2026-01-{day}", 1, 10) for day in range(10, 15)]
    days += [_day("restock_rate", "2026-01-15", 2, 10)]
    line = _of(days)
    assert line.now == Sums(Decimal(5), Decimal(10), "Dec 2025")
    # January stands in the trend, as what may still change: 5 + 2 of 60.
    assert [(p.sums.days, p.sums.numerator, p.is_final) for p in line.points] == [
        ("Nov 2025", 4, True), ("Dec 2025", 5, True), ("1–15 Jan 2026", 7, False),
    ]  # fmt: skip


def test_trend_and_headline_agree() -> None:
    days = [_day("restock_rate", f"2025-{month:02}-20", month, 100) for month in range(1, 13)]
    days += [_day("restock_rate", "2026-01-08", 1, 10), _open("restock_rate", "2026-01-09", 10, 10)]
    line = _of([*days, _open("restock_rate", "2026-01-10", 10, 10)])
    # January is final up to the 8th; what may still change of it is in neither.
    assert line.now == Sums(Decimal(1), Decimal(10), "1–8 Jan 2026")
    assert [p for p in line.points if p.is_final][-1].sums == line.now


def test_a_headline_counts_final_rows_only() -> None:
    days = [_day("restock_rate", f"2026-01-{day:02}", 1, 10) for day in range(1, 20)]
    days.append(_day("restock_rate", "2026-01-20", 9, 10, final=(2, 5)))
    line = _of(days)
    assert (line.now, line.is_final) == (Sums(Decimal(21), Decimal(195), "1–20 Jan 2026"), True)


def test_what_is_still_open_counts_all_and_is_compared_with_nothing() -> None:
    line = _of([_open("return_cost_in_process", "2026-01-01", 8, 2)], "return_cost_in_process", matures=False)
    assert (line.now, line.before) == (Sums(Decimal(8), Decimal(2), "all that is open"), None)
    assert (line.numerator, line.denominator, line.is_final) == (8, 2, False)


@pytest.mark.parametrize("basis", ["STOCK", "SNAPSHOT"])
def test_a_level_is_that_of_its_last_day_beside_one_of_a_month_before(basis: str) -> None:
    kpi = "returned_stock_value"
    days = [("2025-12-31", 500, 50), ("2026-01-13", 70, 10), ("2026-02-09", 1, 1), ("2026-02-10", 90, 30)]
    line = _of([_day(kpi, day, above, below, basis) for day, above, below in days], kpi, bases=basis)
    assert line.now == Sums(Decimal(90), Decimal(30), "10 Feb 2026")
    assert line.before == Sums(Decimal(70), Decimal(10), "13 Jan 2026")
    assert (line.numerator, line.denominator) == (90, 30)


def test_a_share_got_worse_where_chance_would_hardly_do_it() -> None:
    """90 of 100 against 50 of 100; and against 89 of 100, which chance does any day."""

    def judged(now: int, before: int, better: str) -> Line:
        days = [
            _day("restock_rate", "2025-12-31", before, 100), _day("restock_rate", "2026-01-31", now, 100),
        ]  # fmt: skip
        return _of(days, better=better)

    assert judged(90, 50, "down").is_worse and not judged(90, 50, "up").is_worse
    assert judged(50, 90, "up").is_worse
    assert not judged(90, 89, "down").is_worse


def test_of_amounts_and_of_two_kinds_of_units_no_chance_is_told() -> None:
    days = [_day("product_return_rate", f"2025-{month}-30", month * 8, 100) for month in (10, 11)]
    assert _of(days, "product_return_rate").chance is None, "RETURN: other units below the line"
    assert (
        _of(days, "product_return_rate", numerator_unit="currency", denominator_unit="currency").chance
        is None
    )
    for row in days:
        row["basis"] = "SALE"
    assert _of(days, "product_return_rate", bases="SALE").chance is not None


def test_parts_stand_with_their_kpi_from_the_largest_on() -> None:
    kpis = ["cost_per_return", "cost_per_return.freight", "cost_per_return.case_handling"]
    days = [
        _day("cost_per_return", "2026-01-31", 40, 10),
        _day("cost_per_return.freight", "2026-01-31", 10, 10),
        _day("cost_per_return.case_handling", "2026-01-31", 30, 10),
    ]
    titles = {
        "cost_per_return.freight": "Cost: freight",
        "cost_per_return.case_handling": "Cost: case handling",
    }
    found = _one([_definition(kpi, title=titles.get(kpi, "Cost")) for kpi in kpis], days)
    assert found.title == "Cost"
    assert [(p.label, p.share) for p in found.parts] == [("case handling", 0.75), ("freight", 0.25)]


def test_buckets_of_age_stay_in_their_order() -> None:
    names = {
        "0_7": "0 to 7 days",
        "15_30": "15 to 30 days",
        "60_plus": "over 60 days",
        "8_14": "8 to 14 days",
    }
    found = _one(
        [_definition(f"open_return_units.{n}", title=f"Open returns, units: {t}") for n, t in names.items()],
        [_day(f"open_return_units.{n}", "2026-02-10", 5, 20, "SNAPSHOT") for n in names],
    )
    assert found.title == "Open returns, units"
    assert [p.label for p in found.parts] == ["0 to 7 days", "8 to 14 days", "15 to 30 days", "over 60 days"]


def test_a_level_that_has_only_parts_has_a_total_a_comparison_a_trend_and_rows() -> None:
    """By 10 February 5 + 15 of 20 units are open; on 13 January, 28 days before, 4 + 12 of 16 were: +25 %."""
    kpis_ = {"0_7": (4, 5), "8_14": (12, 15)}
    days = [
        _day(f"open_return_units.{name}", day, above, below, "SNAPSHOT")
        for name, counts in kpis_.items()
        for day, above, below in (("2026-01-13", counts[0], 16), ("2026-02-10", counts[1], 20))
    ]
    found = _one(
        [_definition(f"open_return_units.{n}", title=f"Open returns, units: {n}") for n in kpis_], days
    )
    slice_ = {"basis": "SNAPSHOT", "currency": "EUR", "dimension": "site", "value": "LEJ"}
    sums = {"numerator": Decimal(5), "denominator": Decimal(20)}
    cards = KpiCards([slice_ | sums | {"kpi": "open_return_units.0_7"}], Night(), {}, "")
    whole = cards.whole(found)
    assert whole is not None
    (line,) = whole.lines
    assert cards.value(whole, line) == "20 units"
    assert cards.change(whole, line) == "▲ 25% from 16 units in 13 Jan 2026"
    chart = cards.chart(whole, line)
    assert chart is not None
    assert chart.texts == ["13 Jan 2026: 16 units", "10 Feb 2026: 20 units"]
    (table,) = cards.rows(found)
    assert table.query.endswith("split_part(kpi, '.', 1) = 'open_return_units'"), "the parts' own names"
    assert [(r["part"], r["of"], r["value"], r["numerator"], r["denominator"]) for r in table.rows] == [
        ("0_7", "time", "10 Feb 2026", 5, 20), ("0_7", "time", "13 Jan 2026", 4, 16),
        ("8_14", "time", "10 Feb 2026", 15, 20), ("8_14", "time", "13 Jan 2026", 12, 16),
        ("0_7", "site", "LEJ", 5, 20),
    ]  # fmt: skip


def test_bases_stand_in_the_order_of_the_definition() -> None:
    found = _one(
        [_definition("product_return_rate", bases="SALE, RETURN")],
        [
            _day("product_return_rate", "2026-01-31", 1, 10),
            _day("product_return_rate", "2026-01-31", 2, 10, "SALE"),
        ],
    )
    assert [line.basis for line in found.lines] == ["SALE", "RETURN"]


def test_kpis_without_figures_are_named_and_new_ones_have_a_place() -> None:
    found = dict(
        kpi_series.groups(
            [_definition("csat", title="CSAT"), _definition("brand_new")],
            [_day("brand_new", "2026-01-31", 1, 2)],
        )
    )
    assert [(g.question, g.empty) for g in found["customer service"]] == [
        ("How do customers take it?", ["CSAT"])
    ]
    assert [s.kpi for g in found["operations"] for s in g.series] == ["brand_new"]


def test_a_kpi_without_its_feed_has_no_figure_whatever_its_cells_say() -> None:
    days = [_day(kpi, "2026-01-31", 0, 9) for kpi in ("csat", "contacts_per_return")]
    lacking = [
        _lacking("csat", "crm_cases", title="CSAT"),
        _lacking("contacts_per_return", "crm_cases", title="Contacts"),
    ]
    (found,) = dict(kpi_series.groups(lacking, days))["customer service"]
    assert (found.series, found.empty) == ([], [])
    assert found.lacks == [("no row of crm_cases has come", ["CSAT", "Contacts"])]
    (found,) = dict(kpi_series.groups([_definition("csat"), lacking[1]], days))["customer service"]
    assert [series.kpi for series in found.series] == ["csat"]
    assert found.lacks == [("no row of crm_cases has come", ["Contacts"])]


def test_a_card_says_what_its_figure_does_not_count() -> None:
    partly = {"completeness": "partly", "reason": "does not count crm_cases (not carried)"}
    rows = dataclasses.replace(_rows("x"), definitions=[_definition("restock_rate") | partly])
    card = html.fromstring(page(rows)).xpath("//article")[0]
    assert "Partly: does not count crm_cases (not carried)." in card.text_content()


def test_a_kpi_may_lack_the_sales_of_returns_and_no_feed() -> None:
    assert by_lack([_lacking("order_return_rate", None, title="Orders")]) == [
        ("no return that came has a known sale", ["Orders"])
    ]


def test_what_a_kpi_needs_or_counts_has_a_contract() -> None:
    feeds = {
        feed
        for kpi in kpis()
        for column in ("needs", "also_counts")
        for feed in re.split(", | or ", kpi.row[column])
    }
    assert feeds - {""} <= set(all_feeds())
    assert [kpi.name for kpi in kpis() if not kpi.row["needs"]] == []


def test_parts_lack_what_their_kpi_lacks() -> None:
    freight = _lacking("cost.freight", "receipts, invoices", title="Cost: freight")
    buckets = [
        _lacking("open.0_7", "receipts", title="Open: 0 to 7 days"),
        _lacking("open.8_14", "receipts", title="Open: 8 to 14 days"),
    ]
    assert by_lack([_lacking("cost", "receipts", title="Cost"), freight, *buckets]) == [
        ("no row of receipts has come", ["Cost", "Open"])
    ]
    assert by_lack([_definition("cost", title="Cost"), freight]) == [
        ("no row of receipts, invoices has come", ["Cost: freight"])
    ]
    assert by_lack([_definition("cost"), _definition("cost.freight")]) == []


@pytest.mark.parametrize(
    ("unit", "better", "now", "before", "text", "verdict"),
    [
        ("ratio", "down", "0.12", "0.10", "▲ 2.0 points from 10.0% in Dec 2025", "bad"),
        ("ratio", "up", "0.12", "0.10", "▲ 2.0 points from 10.0% in Dec 2025", "good"),
        ("hours per unit", "down", "90", "120", "▼ 25% from 120.00 h in Dec 2025", "good"),
        ("g CO2e per unit", "down", "90", "60", "▲ 50% from 60.00 g CO₂e in Dec 2025", "bad"),
        ("ratio", "up", "0.1001", "0.1", "as 10.0% in Dec 2025", "soft"),
    ],
)  # fmt: skip
def test_a_change_in_words(unit: str, better: str, now: str, before: str, text: str, verdict: str) -> None:
    line = Line(
        "RETURN", "EUR", Decimal(1), Decimal(2), Sums(Decimal(now), Decimal(1), "Jan 2026"),
        Sums(Decimal(before), Decimal(1), "Dec 2025"), [], True,
    )  # fmt: skip
    series = KpiSeries("x", "X", _definition("x", unit=unit, better=better), [line])
    cards = KpiCards([], Night(), {}, "")
    assert (cards.change(series, line), cards.verdict(series, line)) == (text, verdict)


@pytest.mark.parametrize(
    ("better", "goal", "text", "is_met"),
    [("down", "0.15", "target ≤ 15.0%: met", True), ("down", "0.10", "target ≤ 10.0%: missed", False),
     ("up", "0.10", "target ≥ 10.0%: met", True), ("up", "0.15", "target ≥ 15.0%: missed", False)],
)  # fmt: skip
def test_a_target_is_met_or_missed(better: str, goal: str, text: str, is_met: bool) -> None:
    line = Line("RETURN", "EUR", Decimal(1), Decimal(2), Sums(Decimal(12), Decimal(100), "x"), None, [], True)
    series = KpiSeries("x", "X", _definition("x", better=better), [line])
    cards = KpiCards([], Night(), {"x": Decimal(goal)}, "")
    assert (cards.target(series, line), cards.is_met(series, line)) == (text, is_met)


def test_every_sum_has_its_unit() -> None:
    line = Line("RETURN", "EUR", Decimal(1), Decimal(2), None, None, [], True)
    units = {"numerator_unit": "currency", "denominator_unit": "units"}
    series = KpiSeries("x", "X", _definition("x", unit="reporting currency per unit") | units, [line])
    sums = KpiCards([], Night(), {}, "").sums(series, line, Sums(Decimal(1200), Decimal(60), ""))
    assert sums == "1,200.00 EUR / 60 units"


def test_an_amount_for_each_unit_says_so() -> None:
    """9,262.49 EUR of stock are 43.49 EUR for each of its 213 units; 6,390 is 30 times 213."""
    line = Line(
        "STOCK", "EUR", Decimal(1), Decimal(2), Sums(Decimal("9262.49"), Decimal(213), ""), None, [], True
    )
    value = _definition("x", unit="reporting currency per unit", numerator_unit="currency")
    cards = KpiCards([], Night(), {}, "")
    assert cards.value(KpiSeries("x", "X", value, [line]), line) == "43.49 EUR per unit"
    days = KpiSeries("x", "X", _definition("x", unit="days", numerator_unit="units × 30"), [line])
    assert cards.sums(days, line, Sums(Decimal(6390), Decimal(100), "")) == "213 units × 30 / 100 units"


@pytest.mark.parametrize(
    ("unit", "values", "form"),
    [
        ("cases per return line", ["0.05", "0.2"], ",.2~f"),
        ("g CO2e per unit", ["900", "1200"], ",.0~f"),
        ("points per case", ["4", "3.5"], ",.1~f"),
        ("ratio", ["0.004", "0.002"], ".2~%"),
        ("ratio", ["0.42", "0.3"], ".0~%"),
        ("ratio", ["0", "0"], "~f"),
    ],
)
def test_an_axis_has_the_decimals_that_it_needs(unit: str, values: list[str], form: str) -> None:
    """d3 writes 0.2 as 0.2 by ,.2~f (200m by ~s), 1200 as 1,200, and 0.004 as 0.4% by .2~% (0% by .0%)."""
    points = [
        kpi_series.Point(dt.date(2025, month, 1), Sums(Decimal(value), Decimal(1), ""), True)
        for month, value in enumerate(values, start=1)
    ]
    line = Line("RETURN", "EUR", Decimal(1), Decimal(2), None, None, points, True)
    chart = charts.trend("x", line, unit, lambda point: "")
    assert chart is not None
    assert chart.spec["layer"][0]["encoding"]["y"]["axis"]["format"] == form


def test_every_kpi_has_units_and_names_that_people_use() -> None:
    lacking = [
        kpi.name
        for kpi in kpis()
        if not all(kpi.row[name] for name in ("numerator_unit", "denominator_unit", "also_called"))
    ]
    assert lacking == []


@pytest.mark.parametrize(
    ("was", "told"),
    [
        ("3", "▲ 2 since 9 Feb"),
        ("8", "▼ 3 since 9 Feb"),
        ("5", "as on 9 Feb"),
        (None, "not counted on 9 Feb"),
    ],
)
def test_a_figure_says_what_it_was_the_night_before(was: str | None, told: str) -> None:
    night = Night(dt.date(2026, 2, 9), {} if was is None else {"overdue": was})
    assert since(Figure("overdue", Decimal(5), "lines"), night).since == told
    assert since(Figure("overdue", Decimal(5), "lines"), Night()).since == ""


def test_the_dashed_line_begins_where_the_solid_one_ends() -> None:
    points = [
        kpi_series.Point(dt.date(2025, month, 1), Sums(Decimal(above), Decimal(10), ""), month < 3)
        for month, above in ((1, 5), (2, 10), (3, 0))
    ]
    line = Line("RETURN", "EUR", Decimal(1), Decimal(2), None, None, points, True)
    chart = charts.trend("x", line, "ratio", lambda point: str(point.sums.ratio))
    assert chart is not None
    assert [(v["y"], v["final"]) for v in chart.spec["data"]["values"]] == [
        (0.5, True), (1.0, True), (0.0, False),
    ]  # fmt: skip
    assert chart.spec["layer"][1]["transform"] == [{"filter": "!datum.final || datum.n === 1"}]
    alone = dataclasses.replace(line, points=points[:1])
    assert charts.trend("x", alone, "ratio", lambda point: "") is None


@pytest.mark.parametrize(
    "made", [lambda: page(_rows(ANGRY)), lambda: finance_page.page(_cents(ANGRY), [ANGRY])]
)
def test_no_text_of_the_data_becomes_markup(made: Callable[[], str]) -> None:
    tree = html.fromstring(made())
    assert tree.xpath("//img | //*[@onerror]") == []
    assert tuple(script.text for script in tree.xpath("//script[not(@type)]")) == scripts()
    assert [json.loads(script.text) for script in tree.xpath("//script[@type]")]
    assert ANGRY in tree.xpath("//main")[0].text_content()


@pytest.mark.parametrize("made", [lambda: page(_rows("x")), lambda: finance_page.page(_cents("x"), [])])
def test_the_page_needs_nothing_from_elsewhere(made: Callable[[], str]) -> None:
    tree = html.fromstring(made())
    assert tree.xpath("//@src | //link") == []
    assert {href[0] for href in tree.xpath("//@href")} == {"#"}
    assert set(tree.xpath("//@href")) <= {f"#{name}" for name in tree.xpath("//@id")}


@pytest.mark.parametrize("made", [lambda: page(_rows("x")), lambda: finance_page.page(_cents("x"), [])])
def test_a_link_to_rows_names_columns_and_values_of_its_table(made: Callable[[], str]) -> None:
    tree = html.fromstring(made())
    links = [link for link in tree.xpath("//a[@data-where]") if link.get("data-where") != "{}"]
    assert links
    for link in links:
        (table,) = tree.xpath(f"//*[@id='{link.get('href')[1:]}']")
        titles = {head.text_content() for head in table.xpath(".//th")}
        # A table without rows has no columns.
        assert not titles or set(json.loads(link.get("data-where"))) <= titles


def test_finances_page_leads_to_the_workbooks_beside_it() -> None:
    tree = html.fromstring(finance_page.page(_cents("x"), ["refunds-2026-02.xlsx", "refunds-2026-01.xlsx"]))
    assert tree.xpath("//section[@id='workbooks']//a/@href") == [
        "refunds-2026-02.xlsx",
        "refunds-2026-01.xlsx",
    ]


def test_before_the_first_night_the_pages_say_so() -> None:
    nothing = ScorecardRows(Figures(None, [], [], None, [], [], [], []))
    assert "No night has been published" in page(nothing)
    assert "Nothing has been reconciled yet" in finance_page.page(Reconciliation(None, *([[]] * 5)), [])


def test_what_comes_next_stands_before_the_readers_parts() -> None:
    rows = dataclasses.replace(
        _rows("x"), ahead=[ahead.Line("expected next 7 days: 4 units", "return_forecast_weeks")]
    )
    tree = html.fromstring(page(rows))
    assert tree.xpath("//section/@id")[:2] == ["ahead", "operations"]
    [line] = tree.xpath("//section[@id='ahead']//li")
    assert [part.text_content() for part in line] == [
        "expected next 7 days: 4 units", "marts.return_forecast_weeks",
    ]  # fmt: skip
    nothing = html.fromstring(page(_rows("x"))).xpath("//section[@id='ahead']")[0].text_content()
    assert "Nothing has been published that tells it." in nothing


def test_a_night_that_was_held_is_told() -> None:
    rows = _rows("x")
    sources = [rows.sources[0] | {"night": TODAY + dt.timedelta(days=1)}]
    text = html.fromstring(page(dataclasses.replace(rows, sources=sources))).text_content()
    assert "The night of 2026-02-11 is not published" in text
    assert "Published: readers see the night of 2026-02-10" in html.fromstring(page(rows)).text_content()


@pytest.mark.parametrize(
    ("outcomes", "why"),
    [
        (["dbt core failed", "gate landed ok"], "dbt core failed"),
        (["gate landed failed"], "gate landed failed: 1 critical check"),
        (["dbt staging ok"], "it is not finished"),
    ],
)
def test_a_night_that_stopped_is_told_with_its_stage(outcomes: list[str], why: str) -> None:
    """Whether or not it found files: the stages of the 11th say that it began."""
    came = TODAY + dt.timedelta(days=1)
    stages = [
        {"night": came, **dict(zip(("stage", "detail", "outcome"), told.split(), strict=True))}
        for n, told in enumerate(outcomes)
    ]
    rows = _rows("x")
    failed = [{**rows.alerts[0], "severity": "critical", "business_date": came}] if "critical" in why else []
    text = html.fromstring(page(dataclasses.replace(rows, stages=stages, alerts=failed))).text_content()
    assert f"The night of 2026-02-11 is not published ({why}); readers see 2026-02-10" in text


def test_a_feed_that_comes_now_and_then_is_not_behind() -> None:
    """Vendors come now and then by their contract, sales every day; both are two days older than the rest."""
    rows = _rows("x")
    feeds = [
        rows.sources[0] | {"feed": feed, "newest": TODAY - dt.timedelta(days=back)}
        for feed, back in (("erp_items", 0), ("erp_vendors", 2), ("erp_sales_lines", 2))
    ]
    tree = html.fromstring(page(dataclasses.replace(rows, sources=feeds)))
    assert "1 feed behind the newest" in " ".join(tree.text_content().split())
    assert [
        (row.xpath("string(td[2])"), row.xpath("string(td[5])"))
        for row in tree.xpath("//*[@id='rows-feeds']//tbody/tr")
    ] == [("erp_items", "no"), ("erp_vendors", "comes now and then"), ("erp_sales_lines", "yes")]


def test_amounts_of_a_class_stay_apart_by_gap_and_currency() -> None:
    tree = html.fromstring(finance_page.page(_cents("x"), []))
    (row,) = tree.xpath("//table[@id='classes']//tr[td[1]/a/code='DUPLICATE']")
    cells = [" ".join(" ".join(cell.itertext()).split()) for cell in row.xpath("td")]
    assert cells[1:] == ["5", "-10.00 EUR -3.50 GBP", "7.25 EUR"]


def _night(text: str) -> dict[str, Any]:
    return {"business_date": TODAY, "published_at": None, "code_version": text, "publication_id": 3}


def _worded(kpi: str, text: str) -> dict[str, Any]:
    return _definition(kpi, **dict.fromkeys(("title", "question", "formula", "unit", "caveats"), text))


def _cents(text: str) -> Reconciliation:
    """A reconciliation whose texts are all `text`, but for the codes that the page knows."""
    cents = [("E-M", "EUR", 3, "-10.00"), ("E-M", "GBP", 1, "-3.50"), ("M-P", "EUR", 1, "7.25")]
    return Reconciliation(
        _night(text), [_worded("restock_rate", text)], [_day("restock_rate", "2026-01-31", 1, 2)],
        exceptions=[
            {
                "class": "DUPLICATE", "gap": gap, "currency": currency, "status": "open", "next_action": text,
                "reporting": 1,
                "items": items, "amount": Decimal(amount),
            }
            for gap, currency, items, amount in cents
        ],
        ages=[{
            "class": text, "age_bucket": text, "gap": "E-M", "currency": "EUR", "status": "open", "items": 2,
            "gross": Decimal(9), "net": Decimal(1), "reporting": Decimal(9), "youngest": 1,
        }],
        patterns=[{"pattern_name": text, "groups": 9, "reconciled": 7, "explained": 1, "waiting": 0}],
        rows=[dict.fromkeys(
            ("group_key", "class", "age_bucket", "owner", "next_action", "order_no", "rma_no", "refund_id",
             "memo_no", "period"), text,
        ) | {
            "gap": "E-M", "status": "open", "amount": Decimal(9), "currency": "EUR", "age_days": 3,
            "open_since": TODAY, "reporting_amount": Decimal(9), "to_look_at": "yes",
        }],
        beside=[dict.fromkeys(
            ("group_key", "class", "age_bucket", "owner", "next_action", "order_no", "rma_no", "refund_id",
             "memo_no", "period"), text,
        ) | {
            "gap": "M-T", "status": "open", "amount": Decimal(9), "currency": "EUR", "age_days": 3,
            "open_since": TODAY, "reporting_amount": Decimal(9),
        }],
    )  # fmt: skip


def _rows(text: str) -> ScorecardRows:
    """Rows whose texts are all `text`, but for the codes that the page knows."""

    def texts(names: str) -> dict[str, Any]:
        return dict.fromkeys(names.split(), text)

    cohort = {"kind": "product", "shipped": 20, "returned": 10, "shipped_before": 100, "returned_before": 10}
    under_way = texts("document order_no status next_step product sku product_category channel site reason")
    regulated = texts(
        "receipt_id disposition_id product sku product_category hazmat_class weee_category site disposition"
        " certificate_no issue"
    )
    return ScorecardRows(
        Figures(
            _night(text), [], [], {"p50_hours": 5, "p90_hours": None},
            [{"status": text, "lines": 4, "under_way": 2, "overdue": 1}],
            [{"engine": text, "stage": text, "checks": 5, "failed": 0, "warned": 1}], [], [],
            [texts("path kind detail feed")],
        ),
        definitions=[_worded("restock_rate", text)],
        days=[_day("restock_rate", f"2026-0{month}-28", 1, 2) for month in (1, 2)],
        slices=[texts("value dimension") | {
            "kpi": "restock_rate", "basis": "RETURN", "currency": "EUR", "numerator": Decimal(1),
            "denominator": Decimal(2),
        }],
        under_way=[under_way | {
            "waits_for": "us", "days_in_status": 9, "next_step_due_on": TODAY, "days_overdue": 3,
            "overdue": "yes", "open_quantity": 2,
        }],
        cohorts=[texts("name product_category product_name") | cohort | {"up_to": TODAY}],
        regulated=[regulated | {
            "received_on": TODAY, "disposed_on": None, "quantity": 1, "weight_g": 5, "has_issue": True,
            "state": "issue",
        }],
        sources=[texts("source feed") | {
            "newest": TODAY, "night": TODAY, "came_at": None, "files": 1, "refused": 0, "twice": 0,
            "loaded": 9, "quarantined": 1, "duplicate": 0,
        }],
        refused=[texts("feed name status reason") | {"night": TODAY, "size_bytes": 1}],
        quarantined=[texts("feed reason column_name name") | {
            "night": TODAY, "rows": 3, "first_line": 2, "is_last": True,
        }],
        work=[
            {"business_date": TODAY - dt.timedelta(days=back), "step": step, "seconds": 9.0}
            for back in (0, 1)
            for step in ("all", text)
        ],
        alerts=[texts("stage engine asset check_name message") | {
            "severity": "warning", "unexpected_count": None, "business_date": TODAY,
        }],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("1", "cases", "1 case"), ("2", "cases", "2 cases"), ("1", "return lines", "1 return line"),
        ("1", "grams CO₂e", "1 gram CO₂e"), ("30", "units × 30", "1 unit × 30"), ("0", "units", "0 units"),
        ("1", "currency", "1.00 EUR"),
    ],
)  # fmt: skip
def test_one_of_a_thing_is_told_as_one(value: str, unit: str, shown: str) -> None:
    assert counted_in(Decimal(value), unit, "EUR") == shown


def test_none_of_none_is_no_good_news() -> None:
    lead = scorecard_leads._product([], [])
    assert [(f.name, f.kind) for f in lead.figures] == [
        ("worse_products", ""), ("worse_categories", ""), ("worse_kpis", "good"),
    ]  # fmt: skip


def test_classes_stand_by_what_they_are_worth_and_not_by_how_many_they_are() -> None:
    text = {"gap": "E-M", "currency": "EUR", "next_action": "look", "amount": Decimal(-1)}
    rows = [
        {"class": name, "status": status, "items": items, "reporting": Decimal(worth), **text}
        for name, status, items, worth in (
            ("ROUNDING", "open", 9, "0.09"), ("TAX", "open", 1, "6.00"), ("TAX", "open", 1, "2.00"),
            ("LABEL_FEE", "open", 1, "7.00"), ("CUTOFF", "waiting", 1, "90.00"),
        )
    ]  # fmt: skip
    assert [entry["name"] for entry in by_class(rows)] == ["TAX", "LABEL_FEE", "ROUNDING", "CUTOFF"]


def test_a_card_of_what_has_parts_only_leads_to_the_page_of_a_part() -> None:
    """The dictionary has a page a KPI, and `open_return_units` is none."""
    ages = ("open_return_units.0_7", "open_return_units.8_14")
    rows = dataclasses.replace(
        _rows("x"), definitions=[_definition(kpi, bases="SNAPSHOT") for kpi in ages],
        days=[_day(kpi, "2026-02-10", 1, 2) | {"basis": "SNAPSHOT"} for kpi in ages],
    )  # fmt: skip
    text = made(rows, Night(), {}, Beside("../pages/"))[0]
    links = html.fromstring(text).xpath("//a[.='In the data dictionary']/@href")
    assert links == ["../pages/kpis/open_return_units.0_7.html"]
