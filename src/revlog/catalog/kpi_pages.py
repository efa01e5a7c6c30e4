"""The KPIs: definition, metrics, the columns that they add up and the tests that hold them."""

from __future__ import annotations

import json
import re

from sqlglot.optimizer.scope import Scope

from revlog.catalog.book import Book, Check, KpiPage, Ref
from revlog.catalog.column_lineage import origins_beside, understood
from revlog.catalog.dbt_tables import MODELS, Artifacts, Node
from revlog.catalog.tracing import columns_above, relations
from revlog.metrics.definitions import Kpi, kpis

TABLE = "kpi_daily"
# Names a KPI to tell returns without a sale, and adds nothing up for it.
COMPLETENESS = "kpi_completeness"
SUMS = ("numerator", "denominator")


def kpi_pages(artifacts: Artifacts, book: Book) -> list[KpiPage]:
    """One entry a KPI of the seed, in its order."""
    definitions = kpis(artifacts.project / "seeds" / "kpi_definitions.csv")
    makers = _Makers(artifacts, book)
    return [_page(kpi, definitions, artifacts, book, makers) for kpi in definitions]


class _Makers:
    """Models on the way to `kpi_daily`; the SQL of those that name a KPI is read once."""

    def __init__(self, artifacts: Artifacts, book: Book) -> None:
        wanted = {TABLE, *book.before(TABLE)} - {COMPLETENESS}
        self.book = book
        self.nodes = [node for node in artifacts.nodes(*MODELS) if node["name"] in wanted]
        self.ids = relations(artifacts, book.tables)
        self._read: dict[str, Scope | None] = {}

    def of(self, kpi: str) -> tuple[list[str], list[Ref]]:
        """Models whose SQL names the KPI, and the columns that they add up for it.

        Where the name stands nowhere, the part up to its dot may: a model may add the rest.
        """
        found = self._naming(kpi)
        return found if found[0] or "." not in kpi else self._naming(kpi.split(".")[0] + ".")

    def _naming(self, text: str) -> tuple[list[str], list[Ref]]:
        nodes = [node for node in self.nodes if f"'{text}'" in (node.get("compiled_code") or "")]
        refs = {ref for node in nodes for ref in self._added_up(node, text)}
        return [node["name"] for node in nodes], sorted(refs)

    def _added_up(self, node: Node, text: str) -> list[Ref]:
        scope = self._scope(node)
        origins = origins_beside(scope, text, SUMS) if scope else set()
        refs = [
            (self.ids[schema, name], column) for schema, name, column in origins if (schema, name) in self.ids
        ]
        return [ref for ref in refs if ref[1] in self.book.tables[ref[0]].columns]

    def _scope(self, node: Node) -> Scope | None:
        name = node["name"]
        if name not in self._read:
            known = columns_above(self.book.tables[name], self.ids, self.book.tables)
            self._read[name] = understood(node["compiled_code"], known)
        return self._read[name]


# What is only counted leaves no trace in a column: the definition names those feeds.
def _page(kpi: Kpi, all_kpis: list[Kpi], artifacts: Artifacts, book: Book, makers: _Makers) -> KpiPage:
    made_in, made_of = makers.of(kpi.name)
    feeds = {ref[0] for column in made_of for ref in book.first_origins(column)}
    feeds |= {f"raw.{feed}" for need in kpi.row["needs"].split(", ") for feed in need.split(" or ")}
    return KpiPage(
        name=kpi.name, title=kpi.title, definition=kpi.row,
        metrics={basis: kpi.metric(basis) for basis in kpi.bases},
        parts=[other.name for other in all_kpis if other.name.startswith(f"{kpi.name}.")],
        made_in=made_in, made_of=made_of,
        feeds=sorted(table for table in feeds if book.tables[table].layer == "feed"),
        checks=_checks(kpi.name, book), unit_tests=_unit_tests(kpi.name, artifacts),
    )  # fmt: skip


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
