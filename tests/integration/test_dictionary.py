"""The data dictionary of the project as it is: no hole, no dead link, nothing that search can't find."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from playwright.sync_api import Browser, Page

from revlog.catalog.book import Book
from revlog.catalog.collect import collect, read_artifacts
from revlog.catalog.site import write_dictionary
from revlog.config.settings import ROOT, settings
from revlog.contracts.contract import all_feeds
from revlog.database.connections import connect
from revlog.transform import pages, project
from tests.browser import HOSTILE, chromium, visit

PROJECT = ROOT / "dbt_project"
# Layers that readers, or those who add to core, rely on.
DESCRIBED = ("marts", "finance", "core", "feed", "ops")


@pytest.fixture(scope="module")
def folder(database: Path) -> Path:
    """The pages, made from a warehouse in which nothing has been built yet."""
    page = pages.write_docs()
    write_dictionary(page.parent, settings().var / "dbt" / "target")
    return page.parent


@pytest.fixture(scope="module")
def book(folder: Path) -> Book:
    return collect(read_artifacts(settings().var / "dbt" / "target"))


def test_every_table_and_column_is_described(book: Book) -> None:
    assert book.holes(*DESCRIBED) == []


def test_every_internal_link_leads_somewhere(folder: Path) -> None:
    dead = [
        f"{page.relative_to(folder)} → {link}"
        for page in folder.glob("**/*.html")
        if page.name != "dbt.html"
        for link in _links(page)
        if not _resolves(page, link)
    ]
    assert dead == []


def test_pages_load_nothing_from_elsewhere(folder: Path) -> None:
    files = [f for f in folder.glob("**/*") if f.suffix in (".html", ".css", ".js") and f.name != "dbt.html"]
    assert len(files) > 100
    outside = re.compile(r"""(?:src|href)=["']?(?:https?:)?//|url\(|@import|fetch\(|XMLHttpRequest""")
    assert [f.name for f in files if outside.search(f.read_text(encoding="utf-8"))] == []


def test_search_finds_every_table_and_kpi(folder: Path) -> None:
    found = {(e["kind"], e["name"].split(".", 1)[-1]) for e in _search(folder)}
    names = {name for _, name in found}
    models = {f.stem for f in (PROJECT / "models").rglob("*.sql")}
    seeds = {f.stem for f in (PROJECT / "seeds").glob("*.csv")}
    with connect("auditor") as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'ops'").fetchall()
    books = {name for (name,) in rows}
    assert (models | seeds | books | set(all_feeds())) - names == set()
    with (PROJECT / "seeds" / "kpi_definitions.csv").open(encoding="utf-8", newline="") as file:
        kpis = {row["kpi"] for row in csv.DictReader(file)}
    assert {e["name"] for e in _search(folder) if e["kind"] == "KPI"} == kpis


def test_search_leads_to_the_row_that_it_names(folder: Path) -> None:
    dead = [e["url"] for e in _search(folder) if not _resolves(folder / "index.html", e["url"])]
    assert dead == []
    assert any(e["kind"] == "Code" and e["name"] == "DEFECTIVE" for e in _search(folder))


def test_a_value_is_followed_from_the_feed_to_the_mart(book: Book) -> None:
    assert ("stg_wms__return_receipts", "quantity") in book.column(
        ("raw.wms_return_receipts", "quantity")
    ).users
    assert ("fct_receipt", "quantity") in book.last_users(("raw.wms_return_receipts", "quantity"))
    assert ("raw.wms_return_receipts", "site") in book.first_origins(("kpi_daily", "site"))


def test_few_columns_have_an_unknown_origin(book: Book) -> None:
    """A parser that no longer understands the models would leave the columns without a way."""
    columns = [c for t in book.of("staging", "intermediate", "core", "marts") for c in t.columns.values()]
    assert sum(1 for c in columns if c.origins) / len(columns) > 0.9


def test_a_kpi_names_what_it_is_made_of(book: Book) -> None:
    for kpi in book.kpis.values():
        assert kpi.made_in, f"{kpi.name}: no model names it"
        assert kpi.made_of, f"{kpi.name}: nothing is added up for it"
        assert kpi.feeds, f"{kpi.name}: no feed is behind it"
    found = set(book.kpis["product_return_rate"].feeds)
    assert {"raw.erp_sales_lines", "raw.wms_return_receipts"} <= found
    assert not found & {"raw.erp_recovery_sales", "raw.wms_inspections", "raw.crm_cases"}


def test_every_published_table_has_a_reader(book: Book) -> None:
    """Exposures say who reads what: dbt_project/models/exposures.yml."""
    assert [t.name for t in book.of("marts", "finance") if not book.readers_of(t.id)] == []


# --- In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_search_works_from_disk_under_the_pages_policy(browser: Browser, folder: Path) -> None:
    def search(tab: Page) -> None:
        tab.fill("#q", "product return rate")
        tab.wait_for_selector("#found li[role=option]")
        assert "product_return_rate" in tab.inner_text("#found")

    seen = visit(browser, folder / "index.html", is_guarded=True, act=search)
    assert (seen.harm, seen.errors) == ([], [])


@pytest.fixture(scope="module")
def hostile(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both kinds of pages of a project whose every description is hostile."""
    target, made = tmp_path_factory.mktemp("target"), tmp_path_factory.mktemp("pages")
    source = settings().var / "dbt" / "target"
    shutil.copy(source / "index.html", target)
    for name in ("manifest.json", "catalog.json"):
        content = _described(json.loads((source / name).read_text(encoding="utf-8")))
        (target / name).write_text(json.dumps(content), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "target", lambda: target)
        (made / "dbt.html").write_text(pages._docs_page(), encoding="utf-8")
    write_dictionary(made, target)
    return made


def _described(found: Any) -> Any:
    if isinstance(found, list):
        return [_described(value) for value in found]
    if not isinstance(found, dict):
        return found
    return {
        name: HOSTILE if name in ("description", "comment") and isinstance(value, str) else _described(value)
        for name, value in found.items()
    }


@pytest.mark.parametrize(
    "name", ["index", "tables", "readers", "lineage", "tables/kpi_daily", "kpis/product_return_rate"]
)
def test_hostile_descriptions_are_shown_and_do_nothing(browser: Browser, hostile: Path, name: str) -> None:
    def search(tab: Page) -> None:
        tab.fill("#q", "ran('script')")
        tab.wait_for_selector("#found li[role=option]")
        assert HOSTILE[:100] in tab.inner_text("#found")

    seen = visit(browser, hostile / f"{name}.html", act=search)
    assert (seen.harm, seen.errors) == ([], [])
    assert HOSTILE in seen.text or name in ("index", "kpis/product_return_rate")


def test_dbt_docs_work_and_run_nothing_that_a_description_holds(browser: Browser, hostile: Path) -> None:
    def read(tab: Page) -> None:
        tab.goto(f"{(hostile / 'dbt.html').as_uri()}#!/model/model.reverse_logistics.kpi_daily")
        tab.get_by_text("Referenced By").first.wait_for()
        tab.get_by_placeholder("Search for models").fill("kpi_daily")
        tab.get_by_text("kpi_daily").filter(visible=True).first.wait_for()

    seen = visit(browser, hostile / "dbt.html", is_guarded=True, act=read)
    assert (seen.ran, seen.asked, seen.errors) == ([], [], [])
    # dbt's page makes elements of what a description holds: the policy alone keeps them quiet.
    assert "image" in visit(browser, hostile / "dbt.html", act=read).ran


def _search(folder: Path) -> list[dict[str, str]]:
    text = (folder / "assets" / "search-index.js").read_text(encoding="utf-8")
    found: list[dict[str, str]] = json.loads(text.removeprefix("window.DICTIONARY = ").rstrip(";\n"))
    return found


def _links(page: Path) -> set[str]:
    tree = _parsed(page)
    return {*tree.xpath("//@href"), *tree.xpath("//@src")}


def _resolves(page: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_file():
        return False
    return not fragment or target.name == "dbt.html" or fragment in _ids(target)


@cache
def _parsed(page: Path) -> html.HtmlElement:
    return html.fromstring(page.read_text(encoding="utf-8"))


@cache
def _ids(page: Path) -> frozenset[str]:
    return frozenset(_parsed(page).xpath("//@id"))
