"""Both scorecards as a reader uses them: by mouse and keyboard, on a phone and a desk, light and dark."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from revlog.database.connections import connect
from revlog.reports.finance_page import write_finance_page
from revlog.reports.scorecard import page, write_scorecard
from revlog.reports.scorecard_rows import read_scorecard_rows
from tests.browser import chromium, visit
from tests.integration.night_by_hand import publish_by_hand

SERIOUS = ("serious", "critical")
PAGES = (0, 1)
WIDTHS = (390, 1440)
# A cell that a spreadsheet would evaluate.
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(database: Path) -> list[Path]:
    """The page for everyone, and finance's."""
    publish_by_hand()
    with connect("admin") as connection:
        connection.execute(
            "update marts.return_tracking set order_no = %s where return_line_key = 'RMA:4'", [FORMULA]
        )
    return [write_scorecard(), write_finance_page()]


def _all_open(tab: Page) -> None:
    """Unfold everything, and let every chart be drawn."""
    tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_function(
        "[...document.querySelectorAll('.chart')].every(one => one.querySelector('svg path'))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", PAGES)
def test_a_page_has_no_serious_fault_of_accessibility_and_fits(
    browser: Browser, pages: list[Path], number: int, width: int, scheme: Any
) -> None:
    faults: list[tuple[str, str]] = []
    over: list[int] = []

    def judge(tab: Page) -> None:
        tab.set_viewport_size({"width": width, "height": 900})
        _all_open(tab)
        found = Axe().run(tab).response["violations"]
        faults.extend(
            (fault["id"], node["html"][:120])
            for fault in found
            if fault["impact"] in SERIOUS
            for node in fault["nodes"]
        )
        over.append(tab.evaluate("document.documentElement.scrollWidth - innerWidth"))

    seen = visit(browser, pages[number], scheme=scheme, act=judge)
    assert (faults, over, seen.errors) == ([], [0], [])


def test_axe_would_find_a_fault(browser: Browser, pages: list[Path]) -> None:
    """A field without a name, put into the page, is found."""
    found: list[str] = []

    def spoil(tab: Page) -> None:
        tab.evaluate("document.querySelector('main').append(document.createElement('input'))")
        found.extend(fault["id"] for fault in Axe().run(tab).response["violations"])

    visit(browser, pages[0], act=spoil)
    assert "label" in found


@pytest.fixture()
def on_page(browser: Browser, pages: list[Path]) -> Callable[[Callable[[Page], object]], None]:
    """Do something on the page for everyone as it is delivered: with its policy in force."""

    def run(act: Callable[[Page], object]) -> None:
        seen = visit(browser, pages[0], is_guarded=True, act=act)
        assert (seen.harm, seen.errors) == ([], [])

    return run


def _visible(tab: Page, table: str, column: int) -> list[str]:
    return tab.locator(f"#rows-{table} tbody tr:not([hidden]) td:nth-child({column})").all_inner_texts()


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_word_of_the_grid_is_broken(browser: Browser, pages: list[Path], width: int) -> None:
    """With seven sites it has no room on a phone, and scrolls."""
    broken: list[list[str]] = []

    def act(tab: Page) -> None:
        tab.set_viewport_size({"width": width, "height": 900})
        broken.append(
            tab.evaluate(
                """() => {
              for (const row of document.querySelectorAll(".grid tr")) {
                for (let n = 0; n < 5; n += 1) row.append(row.cells[1].cloneNode(true));
              }
              const heads = [...document.querySelectorAll(".grid tbody th")];
              for (const head of heads) head.textContent = "decide disposition";
              return heads.flatMap((head) => [[0, 6], [7, 18]].filter(([from, to]) => {
                const word = document.createRange();
                word.setStart(head.firstChild, from);
                word.setEnd(head.firstChild, to);
                return word.getClientRects().length > 1;
              }).map(([from, to]) => head.textContent.slice(from, to)));
            }"""
            )
        )

    visit(browser, pages[0], act=act)
    assert broken == [[]]


@pytest.mark.parametrize(("hours", "told"), [(30, ""), (50, "No night has written this page for 2 days")])
def test_a_page_says_that_it_is_old(browser: Browser, pages: list[Path], hours: int, told: str) -> None:
    """Where files could not be loaded no build begins, and nothing writes the page."""
    found: list[str] = []

    def act(tab: Page) -> None:
        made = tab.get_attribute("#old", "data-made") or ""
        tab.clock.set_fixed_time(dt.datetime.fromisoformat(made) + dt.timedelta(hours=hours))
        tab.reload()
        found.append(tab.inner_text("#old") if tab.is_visible("#old") else "")

    visit(browser, pages[0], is_guarded=True, act=act)
    assert found[0].startswith(told) and bool(found[0]) == bool(told)


def test_a_figure_leads_to_just_its_rows_and_back(on_page: Callable[..., None]) -> None:
    def act(tab: Page) -> None:
        tab.click("a[aria-label='1 of decide, LEJ']")
        assert _visible(tab, "under_way", 1) == ["4"]
        assert tab.inner_text("#rows-under_way output") == "1 of 3 rows"
        tab.click("#rows-under_way .chip:has-text('Site')")
        tab.click("#rows-under_way .chip:has-text('Next step')")
        assert _visible(tab, "under_way", 1) == ["2", "4"], "those that are overdue"

    on_page(act)


def test_a_figure_of_the_other_sites_leads_to_just_theirs(
    browser: Browser, pages: list[Path], tmp_path: Path
) -> None:
    """Five sites have two overdue lines each and a column, two more one: 2 of the others."""
    rows = read_scorecard_rows()
    late = next(row for row in rows.under_way if row["document"] == "4")
    lines = [
        late | {"document": f"{site}{n}", "site": site}
        for site, many in [*((name, 2) for name in "ABCDE"), ("F", 1), ("G", 1)]
        for n in range(many)
    ]
    path = tmp_path / "scorecard.html"
    path.write_text(page(replace(rows, under_way=lines)), encoding="utf-8")

    def act(tab: Page) -> None:
        tab.click("a[aria-label='2 of decide, others']")
        assert _visible(tab, "under_way", 1) == ["F0", "G0"]
        tab.click("#rows-under_way .chip:has-text('Site: F, G')")
        assert tab.inner_text("#rows-under_way output") == "12 rows"

    seen = visit(browser, path, is_guarded=True, act=act)
    assert (seen.harm, seen.errors) == ([], [])


def test_rows_are_filtered_by_words_and_sorted_by_value(on_page: Callable[..., None]) -> None:
    def act(tab: Page) -> None:
        tab.fill("#rows-under_way input", "lamp customer")
        assert _visible(tab, "under_way", 1) == ["2", "1"]
        tab.fill("#rows-under_way input", "")
        tab.click("#rows-under_way th:has-text('Days in status') button")
        assert _visible(tab, "under_way", 7) == ["40", "9", "3"]
        tab.click("#rows-under_way th:has-text('Days in status') button")
        assert _visible(tab, "under_way", 7) == ["3", "9", "40"]
        assert tab.get_attribute("#rows-under_way th:has-text('Days in status')", "aria-sort") == "ascending"

    on_page(act)


def test_the_rows_that_are_left_are_taken_away_as_csv_and_evaluate_nothing(
    on_page: Callable[..., None], tmp_path: Path
) -> None:
    def act(tab: Page) -> None:
        tab.fill("#rows-under_way input", "decide")
        with tab.expect_download() as download:
            tab.click("#rows-under_way .csv")
        assert download.value.suggested_filename == "under_way.csv"
        download.value.save_as(tmp_path / "rows.csv")

    on_page(act)
    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["Return"], row["Days overdue"], row["Product"]) for row in rows] == [("4", "4", "L2")]
    assert rows[0]["Order"] == f"'{FORMULA}"


def test_a_chart_is_read_by_keyboard_and_by_mouse(on_page: Callable[..., None]) -> None:
    def act(tab: Page) -> None:
        card = "#kpi-product_return_rate"
        canvas = tab.locator(f"{card} .canvas")
        canvas.scroll_into_view_if_needed()
        tab.wait_for_selector(f"{card} svg path")
        canvas.focus()
        tab.keyboard.press("Home")
        assert canvas.get_attribute("aria-valuetext") == "Dec 2025: 15.0% (6 / 40)"
        tab.keyboard.press("ArrowRight")
        assert tab.inner_text(f"{card} .told") == "1–8 Jan 2026: 15.0% (3 / 20)"
        tab.keyboard.press("ArrowRight")
        assert canvas.get_attribute("aria-valuenow") == "1", "the last one stays"
        box = canvas.bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + 45, box["y"] + 40)
        assert tab.inner_text(f"{card} .told") == "Dec 2025: 15.0% (6 / 40)"

    on_page(act)


def test_bars_say_what_they_are_of(on_page: Callable[..., None]) -> None:
    def act(tab: Page) -> None:
        chart = tab.locator("#operations .chart").first
        chart.scroll_into_view_if_needed()
        chart.locator("svg path").first.wait_for()
        chart.locator(".canvas").focus()
        tab.keyboard.press("End")
        assert chart.locator(".told").inner_text() == "decide, LEJ: 1 line overdue"

    on_page(act)


def test_a_link_into_what_is_folded_unfolds_it(browser: Browser, pages: list[Path]) -> None:
    def act(tab: Page) -> None:
        tab.goto(f"{pages[0].as_uri()}#rows-kpi-product_return_rate")
        tab.evaluate("location.hash = '#rows-kpi-product-return-rate'")
        tab.locator("#rows-kpi-product-return-rate").wait_for(state="visible")

    assert visit(browser, pages[0], is_guarded=True, act=act).errors == []
