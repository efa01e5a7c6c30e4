"""The scorecard's tiles and page, from rows written by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from lxml import html

from ingestion.contract import all_feeds
from reporting import charts, finance_page, tiles
from reporting.board import Board
from reporting.carried import by_lack
from reporting.figures import Figures
from reporting.page import render
from reporting.reconciliation import Reconciliation
from reporting.scorecard import page
from semantic.definitions import kpis

TODAY = dt.date(2026, 2, 10)
ANGRY = "<img src=x onerror=alert(1)>"


def _definition(kpi: str, **more: str) -> dict[str, Any]:
    words = {
        "title": kpi.replace("_", " ").capitalize(), "question": "Why?", "formula": "a / b", "unit": "ratio",
        "bases": "RETURN", "better": "down", "caveats": "", "needs": "",
        "completeness": "complete", "reason": None, "lacking_feeds": None,
    }  # fmt: skip
    return {"kpi": kpi, **words, **more}


def _lacking(kpi: str, feeds: str | None, **more: str) -> dict[str, Any]:
    return _definition(kpi, **more) | {"completeness": "lacking", "lacking_feeds": feeds}


def _month(
    kpi: str, month: str, above: int, below: int, basis: str = "RETURN", ripe: bool = True
) -> dict[str, Any]:
    return {
        "kpi": kpi, "basis": basis, "currency": "EUR", "period": dt.date.fromisoformat(month),
        "numerator": Decimal(above), "denominator": Decimal(below), "is_mature": ripe,
        "final_numerator": Decimal(above if ripe else 0), "final_denominator": Decimal(below if ripe else 0),
    }  # fmt: skip


def _tile(definitions: list[dict[str, Any]], months: list[dict[str, Any]]) -> tiles.Tile:
    (found,) = (t for _, gs in tiles.groups(definitions, months, TODAY) for g in gs for t in g.tiles)
    return found


def test_a_tile_adds_up_all_months() -> None:
    tile = _tile(
        [_definition("restock_rate")],
        [_month("restock_rate", "2025-12-01", 3, 10), _month("restock_rate", "2026-01-01", 1, 30)],
    )
    assert (tile.lines[0].numerator, tile.lines[0].denominator, tile.lines[0].ratio) == (
        4,
        40,
        Decimal("0.1"),
    )


def test_a_headline_is_of_what_is_final() -> None:
    months = [
        _month("restock_rate", "2025-12-01", 3, 10),
        # A month of which some days are final.
        _month("restock_rate", "2026-01-01", 2, 30, ripe=False)
        | {"final_numerator": Decimal(1), "final_denominator": Decimal(10)},
        _month("restock_rate", "2026-02-01", 0, 50, ripe=False),
    ]
    line = _tile([_definition("restock_rate")], months).lines[0]
    assert (line.numerator, line.denominator, line.is_final) == (4, 20, True)
    # The months behind it show all that is known.
    assert [point.numerator for point in line.points] == [3, 2, 0]


def test_what_is_still_open_has_no_final_rows_and_counts_all() -> None:
    definition = _definition("return_cost_in_process") | {"matures": False}
    line = _tile([definition], [_month("return_cost_in_process", "2026-01-01", 8, 2, ripe=False)]).lines[0]
    assert (line.numerator, line.denominator, line.is_final) == (8, 2, False)


@pytest.mark.parametrize("basis", ["STOCK", "SNAPSHOT"])
def test_a_level_is_that_of_its_last_day(basis: str) -> None:
    tile = _tile(
        [_definition("returned_stock_value", bases=basis)],
        [
            _month("returned_stock_value", "2026-01-31", 500, 50, basis),
            _month("returned_stock_value", "2026-02-10", 90, 30, basis),
        ],
    )
    assert (tile.lines[0].numerator, tile.lines[0].denominator) == (90, 30)
    assert tile.lines[0].change is None


def test_the_change_is_that_of_the_last_whole_final_month() -> None:
    months = [
        _month("restock_rate", "2025-10-01", 10, 100),
        _month("restock_rate", "2025-11-01", 30, 100),
        _month("restock_rate", "2025-12-01", 50, 100),
        _month("restock_rate", "2026-01-01", 90, 100, ripe=False),
        _month("restock_rate", "2026-02-01", 99, 100),
    ]
    change = _tile([_definition("restock_rate")], months).lines[0].change
    assert change == tiles.Change(dt.date(2025, 12, 1), Decimal("0.5"), Decimal("0.2"))


def test_the_change_looks_back_twelve_months_and_no_further() -> None:
    months = [
        _month("restock_rate", f"{2024 + n // 12}-{n % 12 + 1:02}-01", 100 if n < 12 else 20, 100)
        for n in range(25)
    ]
    change = _tile([_definition("restock_rate")], months).lines[0].change
    assert change is not None
    assert (change.period, change.before) == (dt.date(2026, 1, 1), Decimal("0.2"))


def test_parts_stand_in_the_tile_of_their_kpi_from_the_largest_on() -> None:
    kpis = ["cost_per_return", "cost_per_return.freight", "cost_per_return.case_handling"]
    months = [
        _month("cost_per_return", "2026-01-01", 40, 10),
        _month("cost_per_return.freight", "2026-01-01", 10, 10),
        _month("cost_per_return.case_handling", "2026-01-01", 30, 10),
    ]
    titles = {
        "cost_per_return.freight": "Cost: freight",
        "cost_per_return.case_handling": "Cost: case handling",
    }
    tile = _tile([_definition(kpi, title=titles.get(kpi, "Cost")) for kpi in kpis], months)
    assert tile.title == "Cost"
    assert [(p.label, p.share) for p in tile.parts] == [("case handling", 0.75), ("freight", 0.25)]


def test_buckets_of_age_stay_in_their_order() -> None:
    names = {
        "0_7": "0 to 7 days",
        "15_30": "15 to 30 days",
        "60_plus": "over 60 days",
        "8_14": "8 to 14 days",
    }
    tile = _tile(
        [_definition(f"open_return_units.{n}", title=f"Open returns, units: {t}") for n, t in names.items()],
        [_month(f"open_return_units.{n}", "2026-02-10", 5, 20, "SNAPSHOT") for n in names],
    )
    assert tile.title == "Open returns, units"
    assert [p.label for p in tile.parts] == ["0 to 7 days", "8 to 14 days", "15 to 30 days", "over 60 days"]


def test_bases_stand_in_the_order_of_the_definition() -> None:
    tile = _tile(
        [_definition("product_return_rate", bases="SALE, RETURN")],
        [
            _month("product_return_rate", "2026-01-01", 1, 10),
            _month("product_return_rate", "2026-01-01", 2, 10, "SALE"),
        ],
    )
    assert [line.basis for line in tile.lines] == ["SALE", "RETURN"]


def test_kpis_without_figures_are_named_and_new_ones_have_a_place() -> None:
    found = dict(
        tiles.groups(
            [_definition("csat", title="CSAT"), _definition("brand_new")],
            [_month("brand_new", "2026-01-01", 1, 2)],
            TODAY,
        )
    )
    assert [(g.question, g.empty) for g in found["customer service"]] == [
        ("How do customers take it?", ["CSAT"])
    ]
    assert [t.kpi for g in found["operations"] for t in g.tiles] == ["brand_new"]


def test_a_kpi_without_its_feed_has_no_figure_whatever_its_cells_say() -> None:
    months = [_month(kpi, "2026-01-01", 0, 9) for kpi in ("csat", "contacts_per_return")]
    lacking = [
        _lacking("csat", "crm_cases", title="CSAT"),
        _lacking("contacts_per_return", "crm_cases", title="Contacts"),
    ]
    (found,) = dict(tiles.groups(lacking, months, TODAY))["customer service"]
    assert (found.tiles, found.empty) == ([], [])
    assert found.lacks == [("no row of crm_cases has come", ["CSAT", "Contacts"])]
    # As it is published: nothing above the line, and nothing below.
    months[1] |= {"numerator": None, "denominator": None}
    (found,) = dict(tiles.groups([_definition("csat"), lacking[1]], months, TODAY))["customer service"]
    assert [tile.kpi for tile in found.tiles] == ["csat"]
    assert found.lacks == [("no row of crm_cases has come", ["Contacts"])]


def test_a_tile_says_what_its_figure_does_not_count() -> None:
    partly = {"completeness": "partly", "reason": "does not count crm_cases (not carried)"}
    board = dataclasses.replace(_board("x"), definitions=[_definition("restock_rate") | partly])
    tile = html.fromstring(page(board)).xpath("//article")[0]
    assert "Partly: does not count crm_cases (not carried)." in tile.text_content()


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


def test_a_line_of_months_ends_whole_where_they_may_still_change() -> None:
    points = [
        tiles.Point(
            dt.date(2025, month, 1), Decimal(above), Decimal(10), month < 3, Decimal(above), Decimal(10)
        )
        for month, above in ((1, 5), (2, 10), (3, 0))
    ]
    spark = charts.spark(points)
    assert spark is not None
    assert spark.final == "0.0,28.0 150.0,5.0"
    assert spark.open == "150.0,5.0 300.0,51.0"
    assert charts.spark(points[:1]) is None


@pytest.mark.parametrize(
    ("unit", "better", "now", "before", "text", "verdict"),
    [
        ("ratio", "down", "0.12", "0.10", "▲ 2.0 points", "bad"),
        ("ratio", "up", "0.12", "0.10", "▲ 2.0 points", "good"),
        ("hours per unit", "down", "90", "120", "▼ 25%", "good"),
        ("ratio", "up", "0.1001", "0.1", "as before", "good"),
    ],
)  # fmt: skip
def test_a_change_in_words(unit: str, better: str, now: str, before: str, text: str, verdict: str) -> None:
    line = tiles.Line(
        "RETURN", "EUR", Decimal(1), Decimal(2), [], tiles.Change(TODAY, Decimal(now), Decimal(before)), True
    )
    tile = tiles.Tile("x", "X", _definition("x", unit=unit, better=better), [line])
    made = render(
        "scorecard.html", **_empty() | {"audiences": {"operations": [tiles.Group("Q?", [tile], [])]}}
    )
    (span,) = html.fromstring(made).xpath("//div[@class='change']/span")
    assert (span.text, span.get("class")) == (text, verdict)


@pytest.mark.parametrize(
    "made", [lambda: page(_board(ANGRY)), lambda: finance_page.page(_cents(ANGRY), [ANGRY])]
)
def test_no_text_of_the_data_becomes_markup(made: Callable[[], str]) -> None:
    tree = html.fromstring(made())
    assert tree.xpath("//img | //script | //*[@onerror]") == []
    assert ANGRY in tree.text_content()


@pytest.mark.parametrize("made", [lambda: page(_board("x")), lambda: finance_page.page(_cents("x"), [])])
def test_the_page_needs_nothing_from_elsewhere(made: Callable[[], str]) -> None:
    tree = html.fromstring(made())
    assert tree.xpath("//@src | //link") == []
    assert {href[0] for href in tree.xpath("//@href")} == {"#"}
    assert set(tree.xpath("//@href")) <= {f"#{name}" for name in tree.xpath("//@id")}


def test_finances_page_leads_to_the_workbooks_beside_it() -> None:
    tree = html.fromstring(finance_page.page(_cents("x"), ["refunds-2026-02.xlsx", "refunds-2026-01.xlsx"]))
    assert tree.xpath("//section[@id='workbooks']//a/@href") == [
        "refunds-2026-02.xlsx",
        "refunds-2026-01.xlsx",
    ]


def test_before_the_first_night_the_pages_say_so() -> None:
    nothing = Board(Figures(None, [], [], None, [], [], [], []), *([[]] * 7))
    assert "No night has been published" in page(nothing)
    assert "Nothing has been reconciled yet" in finance_page.page(Reconciliation(None, *([[]] * 5)), [])


def test_a_night_that_was_held_is_told() -> None:
    board = _board("x")
    files = [board.files[0] | {"night": TODAY + dt.timedelta(days=1)}]
    text = html.fromstring(page(dataclasses.replace(board, files=files))).text_content()
    assert "The night of 2026-02-11 is not published" in text
    assert "Published: readers see the night of 2026-02-10" in html.fromstring(page(board)).text_content()


def test_amounts_of_a_class_stay_apart_by_gap_and_currency() -> None:
    tree = html.fromstring(finance_page.page(_cents("x"), []))
    (row,) = tree.xpath("//tr[td[1]/code='DUPLICATE']")
    cells = [" ".join(" ".join(cell.itertext()).split()) for cell in row.xpath("td")]
    assert cells[1:] == ["5", "-10.00 EUR -3.50 GBP", "7.25 EUR"]


def _empty() -> dict[str, Any]:
    return {
        "title": "Scorecard", "parts": (), "bases": {}, "levels": (), "meanings": {}, "night": None,
        "cycle": None, "state": {"kind": "", "text": ""}, "looks": [], "audiences": {}, "statuses": [],
        "overdue": [], "steps": [], "waiting": [], "most_lines": 1, "files": [], "checks": [], "alerts": [],
        "quarantine": [], "quarantine_rest": 0, "most_quarantined": 1, "times": [], "times_nights": [],
        "unclaimed": [], "unclaimed_rest": 0, "set_apart": [],
    }  # fmt: skip


def _night(text: str) -> dict[str, Any]:
    return {"business_date": TODAY, "published_at": None, "code_version": text, "publication_id": 3}


def _worded(kpi: str, text: str) -> dict[str, Any]:
    return _definition(kpi, **dict.fromkeys(("title", "question", "formula", "unit", "caveats"), text))


def _cents(text: str) -> Reconciliation:
    """A reconciliation whose texts are all `text`, but for the codes that the page knows."""
    cents = [("E-M", "EUR", 3, "-10.00"), ("E-M", "GBP", 1, "-3.50"), ("M-P", "EUR", 1, "7.25")]
    return Reconciliation(
        _night(text), [_worded("restock_rate", text)], [_month("restock_rate", "2026-01-01", 1, 2)],
        exceptions=[
            {
                "class": "DUPLICATE", "gap": gap, "currency": currency, "status": "open", "next_action": text,
                "items": items, "amount": Decimal(amount),
            }
            for gap, currency, items, amount in cents
        ],
        ages=[{"age_bucket": text, "status": "open", "items": 2, "youngest": 1}],
        patterns=[{"pattern_name": text, "groups": 9, "reconciled": 7, "explained": 1}],
    )  # fmt: skip


def _board(text: str) -> Board:
    """A board whose texts are all `text`, but for the codes that the page knows."""
    return Board(
        Figures(
            _night(text), [], [], {"p50_hours": 5, "p90_hours": None},
            [{"status": text, "lines": 4, "overdue": 1}],
            [{"engine": text, "stage": text, "checks": 5, "failed": 0, "warned": 1}], [], [],
        ),
        definitions=[_worded("restock_rate", text)],
        months=[_month("restock_rate", "2026-01-01", 1, 2)],
        steps=[{"next_step": text, "lines": 4, "units": 6, "overdue": 1, "oldest_days": 9}],
        overdue=[{
            "document": text, "order_no": text, "status": text, "next_step": text, "days_in_status": 9,
            "product_category": text, "site": text, "open_quantity": 2,
        }],
        quarantine=[{"feed": text, "reason": text, "rows": 3, "last_night": 1}],
        files=[{
            "source": text, "night": TODAY, "files": 1, "refused": 0, "twice": 0, "loaded": 9,
            "quarantined": 1, "duplicate": 0,
        }],
        alerts=[{
            "stage": text, "engine": text, "asset": text, "check_name": text, "severity": "warning",
            "unexpected_count": None, "message": text,
        }],
    )  # fmt: skip
