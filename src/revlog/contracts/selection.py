"""The SELECT of a layout: what it may hold, and whether it can be run on a part of the file at a time."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from revlog.contracts.sandbox import sandbox

FILE = "file"
RECORD, LINE, NAME = "_record_no", "_line_no", "_file"
LINEAGE = (RECORD, LINE, NAME)
_TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
_RELATIONS = {"BASE_TABLE", "JOIN", "SUBQUERY", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST"}
# Results that a chunk of the file can't tell: they need the rows before, behind or beside it.
_WHOLE = {
    "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "RIGHT", "OUTER", "ASOF", "POSITIONAL", "DISTINCT_MODIFIER",
    "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER",
}  # fmt: skip
# Functions that tell the time, though DuckDB calls them constant.
_CLOCKS = {"current_localtime", "current_localtimestamp", "localtime", "localtimestamp"}
Node = dict[str, Any]


@dataclass(frozen=True)
class Selection:
    """A sound SELECT.

    `is_row_by_row` is True where each row of the result is made of one row of the file, so that it runs
    on the file's chunks; `keeps_order` where it neither joins, unnests nor sorts. `names` are the identifiers
    that it mentions, in lower case; None where it takes every column.
    """

    text: str
    is_row_by_row: bool
    keeps_order: bool
    names: frozenset[str] | None

    def takes(self, column: str) -> bool:
        """True where the SELECT may read a column."""
        return self.names is None or column.lower() in self.names


@functools.lru_cache(maxsize=256)
def selection(text: str, lookups: tuple[str, ...] = ()) -> Selection:
    """Check a SELECT over `file` and the `lookups`.

    Raises ValueError for anything but one SELECT, for relations and functions that reach beyond the file, and
    for functions whose result is another one each time.
    """
    tree = _tree(text)
    nodes = list(_nodes(tree))
    ctes = {name for n in nodes if "cte_map" in n for name in _ctes(n)}
    bases = [_table(n) for n in nodes if n.get("type") == "BASE_TABLE"]
    _refuse_relations(nodes, bases, {FILE, *ctes, *(name.lower() for name in lookups)})
    _refuse_functions(nodes)
    if FILE not in bases:
        raise ValueError(f"it does not read `{FILE}`, the rows of the file")
    has_star = any(n.get("class") == "STAR" for n in nodes)
    named = frozenset(str(p).lower() for n in nodes for p in n.get("column_names", ()))
    reorders = any(
        n.get("type") == "JOIN" or n.get("function_name") == "unnest" or n.get("modifiers") for n in nodes
    )
    return Selection(text, _is_row_by_row(tree, nodes, bases), not reorders, None if has_star else named)


def _tree(text: str) -> Node:
    """DuckDB's own reading of one SELECT."""
    with sandbox() as connection:
        connection.execute("select json_serialize_sql(?)", [text])
        read = json.loads(connection.fetchall()[0][0])
    if read["error"]:
        raise ValueError(str(read["error_message"]) + _place(text, read.get("position")))
    if len(read["statements"]) != 1:
        raise ValueError("give one SELECT")
    found: Node = read["statements"][0]["node"]
    return found


def _place(text: str, position: str | None) -> str:
    if not str(position or "").isdigit():
        return ""
    before = text[: int(str(position))]
    return f", in line {before.count(chr(10)) + 1} of it"


def _nodes(tree: Any) -> Iterator[Node]:
    """Every object of the tree."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _table(node: Node) -> str:
    path = [node.get("catalog_name"), node.get("schema_name"), node["table_name"]]
    return ".".join(filter(None, path)).lower()


def _ctes(node: Node) -> dict[str, Node]:
    """Queries that a node names in its WITH."""
    return {str(e["key"]).lower(): e["value"]["query_node"] for e in node.get("cte_map", {}).get("map", ())}


def _refuse_relations(nodes: list[Node], bases: list[str], known: set[str]) -> None:
    if unknown := sorted(set(bases) - known):
        raise ValueError(f"it reads {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    for node in nodes:
        if node.get("sample") is not None:
            raise ValueError("it takes a sample; a file must always be read alike")
        if "sample" in node and "alias" in node and node["type"] not in _RELATIONS:
            raise ValueError(f"it reads a {node['type']}, which layouts may not")
        if node.get("type") == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in _TABLE_FUNCTIONS:
                raise ValueError(
                    f"it reads {name}(); of table functions there are unnest and generate_series"
                )


def _refuse_functions(nodes: list[Node]) -> None:
    for node in nodes:
        name = str(node.get("function_name", "")).lower()
        if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            bare = str(node["column_names"][0]).lower()  # current_date stands without parentheses
            name = bare if bare.startswith(("current_", "local")) else name
        is_age = name == "age" and len(node.get("arguments", ())) == 1
        if name in _changing() or is_age:
            raise ValueError(f"{name} gives another result each time; a file must always be read alike")


def _is_row_by_row(tree: Node, nodes: list[Node], bases: list[str]) -> bool:
    if bases.count(FILE) != 1 or not _reads_file_first(tree):
        return False
    for node in nodes:
        if {node.get("type"), node.get("join_type"), node.get("ref_type")} & _WHOLE:
            return False
        if node.get("class") in ("WINDOW", "SUBQUERY") or node.get("group_expressions"):
            return False
        if node.get("aggregate_handling", "STANDARD_HANDLING") != "STANDARD_HANDLING":  # group by all
            return False
        if str(node.get("function_name", "")).lower() in _aggregates():
            return False
    return True


def _reads_file_first(node: Any) -> bool:
    """True where the file is what the rows are made from, and joins only add to it."""
    if not isinstance(node, dict):
        return False
    source = node.get("from_table")
    while isinstance(source, dict) and source.get("type") == "JOIN":
        source = source["left"]
    if not isinstance(source, dict):
        return False
    if source.get("type") == "SUBQUERY":
        return _reads_file_first(source["subquery"]["node"])
    if source.get("type") != "BASE_TABLE":
        return False
    name = _table(source)
    return name == FILE or _reads_file_first(_ctes(node).get(name))


@functools.cache
def _functions() -> list[tuple[str, str, str | None]]:
    """Name, kind and stability of each function of DuckDB."""
    with sandbox() as connection:
        connection.execute("select function_name, function_type, stability from duckdb_functions()")
        return [(str(name), str(kind), stability) for name, kind, stability in connection.fetchall()]


@functools.cache
def _changing() -> frozenset[str]:
    """Functions whose result depends on more than their arguments."""
    found = {n for n, kind, stability in _functions() if kind == "scalar" and stability != "CONSISTENT"}
    return frozenset(found - {"error"} | _CLOCKS)


@functools.cache
def _aggregates() -> frozenset[str]:
    return frozenset(name for name, kind, _ in _functions() if kind == "aggregate")
