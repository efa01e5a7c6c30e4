"""What the columns of a file are for, told by name before any row is read."""

from __future__ import annotations

from dataclasses import dataclass

from revlog.contracts.contract import Contract
from revlog.contracts.layout import Layout
from revlog.ingestion.header import spellings


@dataclass(frozen=True)
class Uses:
    """Names in the file: those that something is made of, and of them those of lists and of ids.

    A layout's SELECT may read any.
    """

    known: frozenset[str]
    lists: frozenset[str]
    ids: frozenset[str]
    has_select: bool


def uses(contract: Contract, layout: Layout) -> Uses:
    """Uses of the names in files of a layout."""
    of: dict[str, set[str]] = {"list": set(), "id": set()}
    tests = [*layout.rows, *(test for rule in layout.set_apart.values() for test in rule)]
    known = {test.column for test in tests}
    for name, column in contract.columns.items():
        if rule := layout.derive.get(name):
            known |= set(rule.sources)
        else:
            known |= set(spellings(layout, name))
            of.setdefault(column.type, set()).update(spellings(layout, name))
    if layout.file_date and layout.file_date.column:
        known.add(layout.file_date.column)
    return Uses(frozenset(known), frozenset(of["list"]), frozenset(of["id"]), layout.select is not None)
