"""The data dictionary of the project as it is: no hole, no dead link, nothing that search can't find."""

from __future__ import annotations

import csv
import json
import re
from functools import cache
from pathlib import Path

import pytest
from lxml import html

from dictionary.__main__ import write_dictionary
from dictionary.book import Book
from dictionary.collect import collect, read_artifacts
from ingestion.contract import all_feeds
from warehouse import build
from warehouse.connections import connect
from warehouse.settings import ROOT, settings

PROJECT = ROOT / "dbt_project"
# Layers that readers, or those who add to core, rely on.
DESCRIBED = ("marts", "finance", "core", "feed", "ops")


@pytest.fixture(scope="module")
def folder(database: Path) -> Path:
    """The pages, made from a warehouse in which nothing has been built yet."""
    page = build.write_docs()
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
