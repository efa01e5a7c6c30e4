"""Give every column its origins, read off the models' compiled SQL."""

from __future__ import annotations

from collections.abc import Iterator

from dictionary.book import Column, Table
from dictionary.column_lineage import Schema, columns_by_table, origins_of
from dictionary.dbt_tables import MODELS, Artifacts, Node


def trace(artifacts: Artifacts, tables: dict[str, Table]) -> None:
    """Give each model's columns their origins, parents first so that every star is known.

    `tables` are all tables by id; a column that no properties file names is added.
    """
    ids = dict(_relations(artifacts, tables))
    for node in artifacts.nodes(*MODELS):
        table = tables[str(artifacts.table_id(node["unique_id"]))]
        above = {place: tables[i].columns for place, i in ids.items() if i in table.parents}
        _trace_table(table, node, columns_by_table(above), ids, tables)


def _trace_table(
    table: Table, node: Node, known: Schema, ids: dict[tuple[str, str], str], tables: dict[str, Table]
) -> None:
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


def _relations(artifacts: Artifacts, tables: dict[str, Table]) -> Iterator[tuple[tuple[str, str], str]]:
    """Schema and name of every table as compiled SQL writes them, and its id."""
    for node in artifacts.nodes("seed", *MODELS):
        yield (node["schema"], node["alias"]), str(artifacts.table_id(node["unique_id"]))
    for table in tables.values():
        if table.layer in ("feed", "ops"):
            yield (table.schema, table.name), table.id
