"""dbt's tests, unit tests and exposures: what holds a table, and who reads it."""

from __future__ import annotations

import re

from revlog.catalog.book import Check, Column, Reader, Ref, Table
from revlog.catalog.dbt_tables import Artifacts, Node, one_line
from revlog.transform import rules


def attach_checks(artifacts: Artifacts, tables: dict[str, Table]) -> None:
    """Put each test where it belongs, and what it says of a column into the column's rules."""
    for node in rules.as_tests({n["unique_id"]: n for n in artifacts.nodes("test")}).values():
        for table in _tested(node, artifacts):
            check = _check(node)
            tables[table].checks.append(check)
            column = tables[table].columns.get(check.column)
            if column:
                _explain(column, node, artifacts)
    for node in artifacts.manifest["unit_tests"].values():
        for table in filter(None, map(artifacts.table_id, node["depends_on"]["nodes"])):
            tables[table].unit_tests.append(Check(node["name"], one_line(node["description"])))


def _tested(node: Node, artifacts: Artifacts) -> list[str]:
    names = [node["attached_node"]] if node.get("attached_node") else node["depends_on"]["nodes"]
    return [t for t in map(artifacts.table_id, names) if t]


def _check(node: Node) -> Check:
    meta = node["config"].get("meta") or {}
    return Check(
        node["name"], one_line(meta.get("failure_means") or node["description"] or ""),
        node.get("column_name") or "", str(node["config"].get("severity", "")).lower() == "warn",
    )  # fmt: skip


def _explain(column: Column, node: Node, artifacts: Artifacts) -> None:
    """What a generic test says of its column: the values it may have, the table it points to."""
    test = node.get("test_metadata") or {}
    given = test.get("kwargs") or {}
    if test.get("name") == "accepted_values":
        column.values = [str(value) for value in given["values"]]
    if test.get("name") == "relationships":
        column.points_to = _target(str(given["to"]), str(given["field"]), node, artifacts)
    if test.get("name") == "not_null" and "never empty" not in column.rules:
        column.rules.append("never empty")
    if test.get("name") == "unique":
        column.rules.append("unique")


def _target(to: str, field: str, node: Node, artifacts: Artifacts) -> Ref | None:
    found = re.search(r"ref\(['\"](\w+)['\"]\)", to)
    names = [n for n in node["depends_on"]["nodes"] if found and n.split(".")[-1] == found[1]]
    table = artifacts.table_id(names[0]) if names else None
    return (table, field) if table else None


def readers(artifacts: Artifacts) -> list[Reader]:
    """The exposures, in name order."""
    return [
        Reader(
            node["name"], node["label"] or node["name"], node["type"],
            node["owner"].get("name") or node["owner"].get("email") or "", one_line(node["description"]),
            [t for t in map(artifacts.table_id, node["depends_on"]["nodes"]) if t],
        )
        for node in sorted(artifacts.manifest["exposures"].values(), key=lambda n: str(n["label"]))
    ]  # fmt: skip
