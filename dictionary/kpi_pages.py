"""The KPIs: definition, metrics, the models that make them and the tests that hold them."""

from __future__ import annotations

import json
import re

from dictionary.book import Book, Check, KpiPage, Share
from dictionary.dbt_tables import MODELS, Artifacts, Node
from semantic.definitions import Kpi, kpis

TABLE = "kpi_daily"


def kpi_pages(artifacts: Artifacts, book: Book) -> list[KpiPage]:
    """One entry a KPI of the seed, in its order."""
    definitions = kpis(artifacts.project / "seeds" / "kpi_definitions.csv")
    return [_page(kpi, definitions, artifacts, book) for kpi in definitions]


def _page(kpi: Kpi, all_kpis: list[Kpi], artifacts: Artifacts, book: Book) -> KpiPage:
    made_in = _made_in(kpi.name, artifacts, book)
    return KpiPage(
        name=kpi.name, title=kpi.title, definition=kpi.row,
        metrics={basis: kpi.metric(basis) for basis in kpi.bases},
        parts=[other.name for other in all_kpis if other.name.startswith(f"{kpi.name}.")],
        made_in=made_in, feeds=_feeds(made_in, book), checks=_checks(kpi.name, book),
        unit_tests=_unit_tests(kpi.name, artifacts),
    )  # fmt: skip


def _made_in(kpi: str, artifacts: Artifacts, book: Book) -> list[Share]:
    """Models that say in `meta.kpis` what they add to the KPI; else those whose SQL names it."""
    models = [n for n in artifacts.nodes(*MODELS) if n["name"] in {TABLE, *book.before(TABLE)}]
    declared = [
        Share(node["name"], said.get("basis", ""), said.get("numerator", ""), said.get("denominator", ""))
        for node in models
        for said in (node["config"].get("meta") or {}).get("kpis") or []
        if said.get("kpi") == kpi
    ]
    return declared or [Share(node["name"]) for node in models if _names(node, kpi)]


def _names(node: Node, kpi: str) -> bool:
    """True where the SQL has the KPI's name, or the part before its dot, as a text."""
    stem = kpi.split(".")[0] + "." if "." in kpi else kpi
    return any(f"'{name}'" in (node.get("compiled_code") or "") for name in (kpi, stem))


def _feeds(made_in: list[Share], book: Book) -> list[str]:
    """Feeds behind the KPI: those of the columns named above and below the line, else of the models."""
    found: set[str] = set()
    for share in made_in:
        columns = book.tables[share.table].columns
        named = set(re.findall(r"\w+", f"{share.numerator} {share.denominator}")) & columns.keys()
        refs = [ref for name in named for ref in book.first_origins((share.table, name))]
        found |= {table for table, _ in refs if book.tables[table].layer == "feed"}
        if not named:
            found |= {table.id for table in book.feeds_of(share.table)}
    return sorted(found)


def _checks(kpi: str, book: Book) -> list[Check]:
    """Data tests that bear the KPI's name."""
    found = {
        check.name: check
        for table in book.tables.values()
        for check in table.checks
        if check.name.startswith((f"{kpi}__", f"{kpi.split('.')[0]}__"))
    }
    return [found[name] for name in sorted(found)]


def _unit_tests(kpi: str, artifacts: Artifacts) -> list[tuple[str, Check]]:
    """Unit tests whose expected rows, name or description name the KPI, with their model."""
    found = []
    for node in artifacts.manifest["unit_tests"].values():
        said = json.dumps([node["expect"], node["name"], node["description"]])
        if re.search(rf"(?<![\w.]){re.escape(kpi)}(?![\w.])", said):
            found.append((node["model"], Check(node["name"], " ".join(node["description"].split()))))
    return found
