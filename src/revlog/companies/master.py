"""Master data: what the product ships, `dbt_project/seeds`, and over it what a company's folder says.

The seeds' properties are the contract: columns and their types, which columns are a key, and by
`config.meta.company` whether a company's file adds rows to the product's (one with the key of another
takes its place) or replaces them all. Seeds without it are the product's alone.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from revlog.config.settings import ROOT

SEEDS = ROOT / "dbt_project" / "seeds"
PROPERTIES = ROOT / "dbt_project" / "seed_properties"

REF = r"ref\('|'\)"  # what stands around the name in ref('reasons')

Row = dict[str, str]


@dataclass(frozen=True)
class Table:
    """One seed as its properties declare it."""

    name: str
    description: str
    takes: Literal["adds", "replaces"] | None
    columns: dict[str, dict[str, Any]]
    types: dict[str, str]
    tests: tuple[tuple[str, dict[str, Any]], ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Columns of which no two rows that hold at one time have the same values."""
        for name, arguments in self.tests:
            if name in ("validity_apart", "one_row_per"):
                return tuple(arguments.get("key") or arguments["columns"])
            if name == "unique":
                return (arguments["column_name"],)
        return ()

    @property
    def has_validity(self) -> bool:
        """True where rows hold from a day to a day."""
        return any(name == "validity_apart" for name, _ in self.tests)

    @property
    def references(self) -> dict[str, str]:
        """Column whose values are all in a column of another table: `{"reason": "reasons.reason"}`."""
        return {
            said["column_name"]: f"{re.sub(REF, '', said['to'])}.{said['field']}"
            for name, said in self.tests
            if name == "relationships"
        }


@functools.cache
def tables() -> dict[str, Table]:
    """Every seed by its name."""
    nodes = [
        node
        for file in sorted(PROPERTIES.glob("*.yml"))
        for node in yaml.safe_load(file.read_text(encoding="utf-8"))["seeds"]
    ]
    return {node["name"]: _table(node) for node in nodes}


def rows(file: Path) -> list[Row]:
    """Rows of a table's file."""
    with file.open(encoding="utf-8-sig", newline="") as content:
        return list(csv.DictReader(content))


def in_force(table: Table, company: Path) -> list[Row]:
    """Rows of a table for a company, whose folder is given: the product's, its own, or both."""
    own = company / f"{table.name}.csv"
    shipped = rows(SEEDS / own.name)
    if not (table.takes and own.is_file()):
        return shipped
    given = rows(own)
    if table.takes == "replaces":
        return given
    taken = {tuple(row.get(column) for column in table.key) for row in given}
    return [row for row in shipped if tuple(row[c] for c in table.key) not in taken] + given


def _table(node: dict[str, Any]) -> Table:
    config = node.get("config", {})
    tests = [_test(test) for test in node.get("data_tests", [])]
    for column in node["columns"]:
        for test in column.get("data_tests", []):
            name, arguments = _test(test)
            tests.append((name, arguments | {"column_name": column["name"]}))
    return Table(
        name=node["name"],
        description=" ".join(node["description"].split()),
        takes=config.get("meta", {}).get("company"),
        columns={column["name"]: column for column in node["columns"]},
        types=config["column_types"],
        tests=tuple(tests),
    )


def _test(given: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(given, str):
        return given, {}
    [(name, said)] = given.items()
    return name, said.get("arguments", {})
