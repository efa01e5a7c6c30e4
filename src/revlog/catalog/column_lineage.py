"""From which columns a model's columns take their values, read off the model's compiled SQL."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping

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


def understood(query: str, known: Schema) -> Scope | None:
    """The query with every name resolved; None where it defeats the parser.

    `known` holds the columns of every table that the query names.
    """
    try:
        tree = qualify(
            sqlglot.parse_one(query, dialect=DIALECT),
            schema=known, dialect=DIALECT, validate_qualify_columns=False, quote_identifiers=False,
            allow_partial_qualification=True,
        )  # fmt: skip
        return build_scope(tree)
    except SqlglotError as error:
        _log.info("no column lineage: %s", error)
        return None


def origins_of(query: str, known: Schema) -> dict[str, set[Origin]] | None:
    """Origins of each column that `query` returns, in its order; None where it defeats the parser.

    An origin is a column whose value is passed on or reckoned with; what only filters or joins is none.
    """
    scope = understood(query, known)
    if scope is None:
        return None
    return {name: _of_output(scope, name, set()) for name in _outputs(scope)}


def origins_beside(scope: Scope, text: str, names: Collection[str]) -> set[Origin]:
    """Origins of the columns `names` in those rows, of the query or of a step of it, that hold `text`."""
    found: set[Origin] = set()
    for step in scope.traverse():
        for row in _rows(step):
            if any(_is_text(value, text) for value in row.values()):
                for name in row.keys() & set(names):
                    found |= _of_expression(step, row[name], set())
    return found


def columns_by_table(tables: Mapping[tuple[str, str], Iterable[str]]) -> Schema:
    """Tables by (schema, name) with their columns, in the shape that `origins_of` takes."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (schema, table), columns in tables.items():
        found.setdefault(schema, {})[table] = dict.fromkeys(columns, "text")
    return dict(found)


def _selected(scope: Scope) -> list[exp.Expr]:
    """Expressions that a scope returns."""
    return list(getattr(scope.expression, "selects", []))


def _outputs(scope: Scope) -> list[str]:
    return [column.alias_or_name for column in _selected(scope)]


def _rows(scope: Scope) -> list[dict[str, exp.Expr]]:
    """What a scope says of each of its columns: once for a select, once a row for a list of values."""
    if isinstance(scope.expression, exp.Select):
        return [{column.alias_or_name: column for column in _selected(scope)}]
    values = (
        scope.expression if isinstance(scope.expression, exp.Values) else scope.expression.find(exp.Values)
    )
    if values is None or isinstance(scope.expression, exp.SetOperation):
        return []
    return [dict(zip(_outputs(scope), row.expressions, strict=False)) for row in values.expressions]


def _is_text(value: exp.Expr, text: str) -> bool:
    """True where a value is this text, or a text joined with it."""
    return any(found.is_string and found.this == text for found in value.find_all(exp.Literal))


def _of_output(scope: Scope, name: str, seen: set[tuple[int, str]]) -> set[Origin]:
    """Origins of one column that a scope returns; `seen` ends the round of a recursive query."""
    if (id(scope), name) in seen:
        return set()
    seen.add((id(scope), name))
    if isinstance(scope.expression, exp.SetOperation):
        return _of_set_operation(scope, name, seen)
    found: set[Origin] = set()
    for row in _rows(scope):
        if name in row:
            found |= _of_expression(scope, row[name], seen)
    return found


def _of_expression(scope: Scope, value: exp.Expr, seen: set[tuple[int, str]]) -> set[Origin]:
    found: set[Origin] = set()
    for used in value.find_all(exp.Column):
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
