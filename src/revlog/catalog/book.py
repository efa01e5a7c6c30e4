"""What the dictionary knows: tables with their columns, KPIs, readers, and how they hang together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
# Id of a table and name of a column.
Ref = tuple[str, str]

LAYERS = {
    "feed": "Feed",
    "ops": "Books",
    "codes": "Codes",
    "staging": "Staging",
    "intermediate": "Intermediate",
    "core": "Core",
    "build": "Step of a mart",
    "marts": "Mart",
    "finance": "Finance mart",
}
PUBLISHED = ("marts", "finance")


@dataclass
class Column:
    """One column; `origins` and `users` are the columns just before and just behind it."""

    name: str
    type: str = ""
    description: str = ""
    rules: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    points_to: Ref | None = None
    origins: list[Ref] = field(default_factory=list)
    users: list[Ref] = field(default_factory=list)


@dataclass
class Check:
    """A test: its name, what a failure means, the column it is about and whether it only warns."""

    name: str
    meaning: str
    column: str = ""
    is_warning: bool = False


@dataclass
class Reader:
    """An exposure: who reads what."""

    name: str
    title: str
    kind: str
    owner: str
    description: str
    tables: list[str]


@dataclass
class Table:
    """One table: a feed's raw table, a model, a list of codes, or one of the pipeline's books."""

    id: str
    layer: str
    schema: str
    name: str
    title: str
    description: str
    grain: str = ""
    notes: list[str] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    unit_tests: list[Check] = field(default_factory=list)
    path: str = ""
    node: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_published(self) -> bool:
        """True when BI or finance may read the table."""
        return self.layer in PUBLISHED

    @property
    def full_name(self) -> str:
        """Name to write in SQL."""
        return f"{self.schema}.{self.name}"

    @property
    def url(self) -> str:
        """Page of the table, from the root of the pages."""
        folder = {"feed": "feeds", "codes": "codes"}.get(self.layer, "tables")
        return f"{folder}/{self.id.removeprefix('raw.').removeprefix('codes.')}.html"


@dataclass
class KpiPage:
    """One KPI: its definition's columns, its metrics by basis, and what it is made of and tested by.

    `made_in` are the models that name the KPI, `made_of` the columns that they add up for it.
    """

    name: str
    title: str
    definition: dict[str, str]
    metrics: dict[str, str]
    parts: list[str] = field(default_factory=list)
    made_in: list[str] = field(default_factory=list)
    made_of: list[Ref] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    unit_tests: list[tuple[str, Check]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Page of the KPI, from the root of the pages."""
        return f"kpis/{self.name}.html"


@dataclass
class Book:
    """Everything, by id."""

    tables: dict[str, Table]
    kpis: dict[str, KpiPage] = field(default_factory=dict)
    readers: list[Reader] = field(default_factory=list)

    def of(self, *layers: str) -> list[Table]:
        """Tables of these layers, in name order."""
        return sorted((t for t in self.tables.values() if t.layer in layers), key=lambda t: t.name)

    def link_columns(self) -> None:
        """Fill `users` from `origins`, and `children` from `parents`."""
        for table in self.tables.values():
            for parent in table.parents:
                self.tables[parent].children.append(table.id)
            for column in table.columns.values():
                for origin in column.origins:
                    self.tables[origin[0]].columns[origin[1]].users.append((table.id, column.name))

    def before(self, table: str) -> set[str]:
        """Every table that this one is made from, near or far."""
        return _reached(table, lambda t: self.tables[t].parents)

    def feeds_of(self, table: str) -> list[Table]:
        """Feeds whose values the table holds, in name order; not those that only say which rows count."""
        refs = [ref for name in self.tables[table].columns for ref in self.first_origins((table, name))]
        found = {ref[0] for ref in refs}
        return [t for t in self.of("feed") if t.id in found]

    def reached_by(self, table: str) -> list[Table]:
        """Published tables that hold values of this one, in name order."""
        refs = [ref for name in self.tables[table].columns for ref in self.last_users((table, name))]
        found = {ref[0] for ref in refs}
        return [t for t in self.of(*PUBLISHED) if t.id in found]

    def first_origins(self, ref: Ref) -> list[Ref]:
        """Columns of feeds and code lists that the value comes from."""
        found = _reached(ref, lambda r: self.column(r).origins)
        return sorted(r for r in found if self.tables[r[0]].layer in ("feed", "codes", "ops"))

    def last_users(self, ref: Ref) -> list[Ref]:
        """Columns of core and published tables that the value ends in."""
        found = _reached(ref, lambda r: self.column(r).users)
        return sorted(r for r in found if self.tables[r[0]].layer in ("core", *PUBLISHED))

    def column(self, ref: Ref) -> Column:
        """A column by its table's id and its name."""
        return self.tables[ref[0]].columns[ref[1]]

    def readers_of(self, table: str) -> list[Reader]:
        """Readers that name the table, or a published one that is made straight from it, as a view is."""
        shown = {table, *(t for t in self.tables[table].children if self.tables[t].is_published)}
        return [r for r in self.readers if shown & set(r.tables)]

    def holes(self, *layers: str) -> list[str]:
        """Tables and columns without a description, as `schema.table` or `schema.table.column`."""
        return list(_undescribed(self.of(*(layers or LAYERS))))


def _undescribed(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        if not table.description:
            yield table.full_name
        yield from (f"{table.full_name}.{c.name}" for c in table.columns.values() if not c.description)


def _reached(start: Node, step: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """Everything that `step` leads to from `start`, over any number of steps."""
    found: set[Node] = set()
    ahead = list(step(start))
    while ahead:
        node = ahead.pop()
        if node not in found:
            found.add(node)
            ahead += step(node)
    return found
