"""The dictionary's search finds a KPI by what people call it, in a browser, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from revlog.catalog.book import Book, Column, KpiPage, Table
from revlog.catalog.pages import pages
from revlog.metrics.definitions import kpis
from tests.browser import chromium, visit

ASKED = {
    "refund time": "refund_lead_time",
    "days to refund": "refund_lead_time",
    "how long does a refund take": "refund_lead_time",
    "late refunds": "refund_late_share",
    "refunded too much": "over_refund_amount",
    "RTV recovery": "vendor_recovery_rate",
    "supplier credits": "vendor_recovery_rate",
    "dock to stock": "dock_to_disposition_time",
    "turnaround time": "return_cycle_time",
    "RMA rate": "product_return_rate",
    "where is my refund": "contacts_per_return",
    "carbon footprint": "co2e_per_return",
    "recycling rate": "landfill_diversion_rate",
    "return shipping cost": "cost_per_return.freight",
    "keep it refunds": "returnless_share",
    "inventory of returns": "returned_stock_days",
    "refund_lead_time": "refund_lead_time",
    "dock-to-stock": "dock_to_disposition_time",
    "dwell time": "dock_to_disposition_time",
    "cycle-time": "return_cycle_time",
    "return lead-time": "return_cycle_time",
    "back-to-stock": "restock_rate",
    "resale rate": "restock_rate",
    "scrap rate": "restock_rate",
    "write-off": "asset_recovery_rate",
    "WISMO": "contacts_per_return",
    "CO₂": "co2e_per_return",
    "exchange rate": "exchange_rate",
    "refund lead-time": "refund_lead_time",
    "CO₂ per return": "co2e_per_return",
    "over-refund": "over_refund_amount",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the KPIs as they are defined, and of one table with columns that have their words."""
    columns = (
        "refund_id",
        "refunded_at",
        "return_rate",
        "days_to_refund_note",
        "turnaround",
        "exchange_rate",
    )
    tables = {
        name: Table(
            name, "marts", "marts", name, name, "refund time, turnaround time, recovery", columns={
                column: Column(column, "text", "Refund time in days; carbon footprint.") for column in columns
            },
        )
        for name in ("kpi_daily", "kpi_definitions")
    }  # fmt: skip
    found = {
        kpi.name: KpiPage(kpi.name, kpi.title, kpi.row, {basis: kpi.metric(basis) for basis in kpi.bases})
        for kpi in kpis()
    }
    root = tmp_path_factory.mktemp("pages")
    for name, text in pages(Book(tables, found), []).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_kpi_is_found_first_by_what_people_call_it(browser: Browser, folder: Path) -> None:
    found: dict[str, str] = {}

    def ask(tab: Page) -> None:
        for words in ASKED:
            tab.fill("#q", words)
            first = tab.locator("#found li[role=option] code").first
            found[words] = first.inner_text() if first.count() else "nothing"

    assert visit(browser, folder / "index.html", is_guarded=True, act=ask).errors == []
    assert found == ASKED


def test_words_that_nothing_has_find_nothing(browser: Browser, folder: Path) -> None:
    def ask(tab: Page) -> None:
        tab.fill("#q", "zeppelin refund")
        assert "Nothing has these words." in tab.inner_text("#found")

    visit(browser, folder / "index.html", act=ask)
