"""The dictionary as HTML pages: what each file holds. Texts are escaped by the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from revlog.catalog import graph, search_index
from revlog.catalog.book import PUBLISHED, Book, KpiPage, Table
from revlog.catalog.rendering import ASSETS, render
from revlog.metrics.definitions import BASES
from revlog.reports.subjects import by_subject, subject_of

DEFINED = {
    "kpi", "title", "question", "formula", "numerator", "denominator", "unit", "bases", "grain",
    "better", "owner", "caveats", "numerator_unit", "denominator_unit",
}  # fmt: skip
GROUPS = (
    ("marts", "Published for BI", "What `bi_reader` sees.", ("marts",), ""),
    ("finance", "Published for finance", "What `finance_reader` sees besides.", ("finance",), ""),
    ("dimensions", "Dimensions", "Who, what, where, when and why; facts point to them.", ("core",), "dim_"),
    ("facts", "Facts", "What happened, row by row.", ("core",), "fct_"),
    ("bridges", "Bridges and snapshots", "What belongs together, and what stood on a day.", ("core",), ""),
    ("ops", "Books of the pipeline", "What came, was refused, checked, built and published.", ("ops",), ""),
    ("staging", "Staging", "One model a feed: canonical names, newest row of each key.", ("staging",), ""),
    ("intermediate", "Steps to core", "Nobody but core reads them.", ("intermediate",), ""),
    ("build", "Steps of marts", "Built with the marts, not published.", ("build",), ""),
)  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """A page that something else makes: where it is and what it shows."""

    url: str
    title: str
    text: str


def pages(book: Book, beside: list[Beside]) -> dict[str, str]:
    """Every file of the dictionary by its path from the root of the pages."""
    made = {
        "index.html": render("index.html", book, cards=_cards(book), beside=beside),
        "tables.html": render("tables.html", book, groups=_groups(book)),
        "feeds.html": render("feeds.html", book, sources=_sources(book)),
        "codes.html": render("codes.html", book, groups=_code_groups(book)),
        "kpis.html": render("kpis.html", book, subjects=by_subject(list(book.kpis))),
        "readers.html": render("readers.html", book),
        "lineage.html": render("lineage.html", book, graph=graph.draw(book)),
        "assets/style.css": (ASSETS / "style.css").read_text(encoding="utf-8"),
        "assets/search.js": (ASSETS / "search.js").read_text(encoding="utf-8"),
        "assets/search-index.js": search_index.script(search_index.entries(book)),
    }
    made |= {table.url: _table_page(book, table) for table in book.tables.values()}
    return made | {kpi.url: _kpi_page(book, kpi) for kpi in book.kpis.values()}


def _table_page(book: Book, table: Table) -> str:
    part, part_title = {"feed": ("feeds.html", "Feeds"), "codes": ("codes.html", "Codes")}.get(
        table.layer, ("tables.html", "Tables")
    )
    parents, children = (
        [book.tables[i] for i in sorted(set(found))] for found in (table.parents, table.children)
    )
    return render(
        "table.html", book, "../", part=part, part_title=part_title, table=table, parents=parents,
        children=children, feeds=_unless_same(book.feeds_of(table.id), parents),
        reached=_unless_same(book.reached_by(table.id), children),
        readers=book.readers_of(table.id), targets=_code_targets(book, table),
    )  # fmt: skip


def _unless_same(far: list[Table], near: list[Table]) -> list[Table]:
    """The far ends, where they say more than the near ones do."""
    return [] if {t.id for t in far} <= {t.id for t in near} else far


def _kpi_page(book: Book, kpi: KpiPage) -> str:
    stem = kpi.name.split(".")[0]
    return render(
        "kpi.html", book, "../", part="kpis.html", kpi=kpi, subject=subject_of(kpi.name), bases=BASES,
        known=DEFINED, whole=book.kpis.get(stem) if stem != kpi.name else None,
        readers=book.readers_of("kpi_daily"),
    )  # fmt: skip


def _cards(book: Book) -> list[dict[str, Any]]:
    inner = len(book.tables) - len(book.of("feed", "codes", *PUBLISHED))
    return [
        _card("kpis.html", "KPIs", len(book.kpis), "what each answers, its formula, bases and tests"),
        _card("tables.html#marts", "Published tables", len(book.of(*PUBLISHED)), "what BI and finance read"),
        _card("tables.html#dimensions", "Tables on the way", inner, "core, steps, staging and the books"),
        _card("feeds.html", "Feeds", len(book.of("feed")), "what ERP, WMS and CRM export"),
        _card("codes.html", "Lists of codes", len(book.of("codes")), "canonical codes, crosswalks, rates"),
        _card(
            "lineage.html", "Columns", sum(len(t.columns) for t in book.tables.values()), "each with its way"
        ),
    ]


def _card(url: str, title: str, count: int, text: str) -> dict[str, Any]:
    return {"url": url, "title": title, "count": f"{count:,}", "text": text}


def _groups(book: Book) -> list[dict[str, Any]]:
    """Tables by what they are; the last group of core takes what no prefix claims."""
    found, taken = [], set()
    for name, title, text, layers, prefix in GROUPS:
        tables = [t for t in book.of(*layers) if t.name.startswith(prefix) and t.id not in taken]
        taken |= {t.id for t in tables}
        if tables:
            found.append({"id": name, "title": title, "text": text, "tables": tables})
    return found


def _sources(book: Book) -> list[tuple[str, list[Table]]]:
    return [
        (source, [t for t in book.of("feed") if dict(t.facts)["Source"] == source])
        for source in ("ERP", "WMS", "CRM")
    ]


def _code_groups(book: Book) -> list[tuple[str, list[Table]]]:
    lists = book.of("codes")
    crosswalks = [t for t in lists if "source_code" in t.columns]
    loader = [t for t in lists if t.schema == "ingestion"]
    rest = [t for t in lists if t not in crosswalks and t not in loader]
    canonical = [t for t in rest if "label" in t.columns or "name" in t.columns]
    return [
        (title, found)
        for title, found in (
            ("Canonical codes", canonical),
            ("Crosswalks: a source's code to ours", crosswalks),
            ("Rates, factors and rules", [t for t in rest if t not in canonical]),
            ("Codes of the loader", loader),
        )
        if found
    ]  # fmt: skip


def _code_targets(book: Book, table: Table) -> dict[str, dict[str, str]]:
    """Where the codes of a list's columns are explained, by column and code."""
    found: dict[str, dict[str, str]] = {}
    for other in book.of("codes"):
        name = next(iter(other.columns), "")
        if other.id != table.id and name and other.name.startswith(name):
            found[name] = {row[name]: f"{other.url}#row-{n}" for n, row in enumerate(other.rows, start=1)}
    return found
