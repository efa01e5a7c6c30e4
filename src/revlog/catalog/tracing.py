"""Give every column its origins, read off the models' compiled SQL."""

from __future__ import annotations

from revlog.catalog.book import Column, Table
from revlog.catalog.column_lineage import Schema, columns_by_table, origins_of
from revlog.catalog.dbt_tables import MODELS, Artifacts, Node

# Id of a table by its schema and name.
Relations = dict[tuple[str, str], str]


def trace(artifacts: Artifacts, tables: dict[str, Table]) -> None:
    """Give each model's columns their origins, parents first so that every star is known.

    `tables` are all tables by id; a column that no properties file names is added.
    """
    ids = relations(artifacts, tables)
    for node in artifacts.nodes(*MODELS):
        table = tables[str(artifacts.table_id(node["unique_id"]))]
        _trace_table(table, node, columns_above(table, ids, tables), ids, tables)


def _trace_table(table: Table, node: Node, known: Schema, ids: Relations, tables: dict[str, Table]) -> None:
    found = origins_of(node.get("compiled_code") or "", known)
    if found is None:
        _trace_by_name(table, tables)
        return
    for name, origins in found.items():
        column = table.columns.setdefault(name, Column(name))
        refs = {(ids[schema, at], of) for schema, at, of in origins if (schema, at) in ids}
        column.origins = sorted(ref for ref in refs if ref[1] in tables[ref[0]].columns)


def _trace_by_name(table: Table, tables: dict[str, Table]) -> None:
    """A query that the parser does not understand passes on what bears the same name."""
    for column in table.columns.values():
        column.origins = [(p, column.name) for p in table.parents if column.name in tables[p].columns]


def relations(artifacts: Artifacts, tables: dict[str, Table]) -> Relations:
    """Ids of all tables by schema and name, as compiled SQL writes them."""
    built = {
        (str(node["schema"]), str(node["alias"])): str(artifacts.table_id(node["unique_id"]))
        for node in artifacts.nodes("seed", *MODELS)
    }
    return built | {(t.schema, t.name): t.id for t in tables.values() if t.layer in ("feed", "ops")}


def columns_above(table: Table, ids: Relations, tables: dict[str, Table]) -> Schema:
    """Columns of the tables that this one is made from."""
    return columns_by_table({place: tables[i].columns for place, i in ids.items() if i in table.parents})
