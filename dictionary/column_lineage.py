"""From which columns a model's columns take their values, read off the model's compiled SQL."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

DIALECT = "postgres"
# schema → table → column → type, as sqlglot wants it; the types don't matter here.
Schema = dict[str, object]
# schema, table and column
Origin = tuple[str, str, str]
_log = logging.getLogger(__name__)


def origins_of(query: str, known: Schema) -> dict[str, set[Origin]] | None:
    """Origins of each column that `query` returns, in its order; None where the query defeats the parser.

    `known` holds the columns of every table that the query names. An origin is a column whose value is
    passed on or reckoned with; columns that only filter or join are none.
    """
    try:
        tree = qualify(
            sqlglot.parse_one(query, dialect=DIALECT),
            schema=known, dialect=DIALECT, validate_qualify_columns=False, quote_identifiers=False,
            allow_partial_qualification=True,
        )  # fmt: skip
        scope = build_scope(tree)
    except SqlglotError as error:
        _log.info("no column lineage: %s", error)
        return None
    if scope is None:
        return None
    return {name: _of_output(scope, name, set()) for name in _outputs(scope)}


def columns_by_table(tables: Mapping[tuple[str, str], Iterable[str]]) -> Schema:
    """Tables by (schema, name) with their columns, in the shape that `origins_of` takes."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (schema, table), columns in tables.items():
        found.setdefault(schema, {})[table] = dict.fromkeys(columns, "text")
    return dict(found)


def _selected(scope: Scope) -> list[exp.Expr]:
    """Expressions that a scope returns; every scope of a query is a query."""
    return list(cast("exp.Query", scope.expression).selects)


def _outputs(scope: Scope) -> list[str]:
    return [column.alias_or_name for column in _selected(scope)]


def _of_output(scope: Scope, name: str, seen: set[tuple[int, str]]) -> set[Origin]:
    """Origins of one column that a scope returns; `seen` ends the round of a recursive query."""
    if (id(scope), name) in seen:
        return set()
    seen.add((id(scope), name))
    if isinstance(scope.expression, exp.SetOperation):
        return _of_set_operation(scope, name, seen)
    found: set[Origin] = set()
    for column in _selected(scope):
        if column.alias_or_name == name:
            for used in column.find_all(exp.Column):
                found |= _of_column(scope, used, seen)
    return found


def _of_set_operation(scope: Scope, name: str, seen: set[tuple[int, str]]) -> set[Origin]:
    """Columns of a union meet by place, not by name."""
    place = _outputs(scope).index(name)
    found: set[Origin] = set()
    for part in scope.set_operation_scopes:
        names = _outputs(part)
        if place < len(names):
            found |= _of_output(part, names[place], seen)
    return found


def _of_column(scope: Scope, column: exp.Column, seen: set[tuple[int, str]]) -> set[Origin]:
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        return {(source.db, source.name, column.name)}
    return _of_output(source, column.name, seen) if isinstance(source, Scope) else set()
