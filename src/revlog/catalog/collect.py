"""Bring everything together that the dictionary tells: contracts, dbt, seeds and the books."""

from __future__ import annotations

import json
from pathlib import Path

from revlog.catalog.book import Book
from revlog.catalog.book_tables import book_tables
from revlog.catalog.code_tables import code_tables
from revlog.catalog.dbt_checks import attach_checks, readers
from revlog.catalog.dbt_tables import Artifacts, built_tables
from revlog.catalog.feed_tables import feed_tables
from revlog.catalog.kpi_pages import kpi_pages
from revlog.catalog.tracing import trace
from revlog.config.settings import ROOT
from revlog.database.connections import connect


def read_artifacts(target: Path) -> Artifacts:
    """dbt's manifest and catalog of the last `dbt docs generate`."""
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    catalog = json.loads((target / "catalog.json").read_text(encoding="utf-8"))
    return Artifacts(manifest, catalog, ROOT / "dbt_project")


def collect(artifacts: Artifacts) -> Book:
    """The whole dictionary; reads the books' comments from the warehouse as auditor."""
    with connect("auditor") as connection:
        sources = [*feed_tables(), *book_tables(connection), *code_tables()]
    tables = {table.id: table for table in [*sources, *built_tables(artifacts)]}
    trace(artifacts, tables)
    attach_checks(artifacts, tables)
    book = Book(tables, readers=readers(artifacts))
    book.link_columns()
    book.kpis = {kpi.name: kpi for kpi in kpi_pages(artifacts, book)}
    return book
