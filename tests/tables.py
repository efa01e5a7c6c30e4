"""What tables hold, so that two ways to the same end can be compared."""

from __future__ import annotations

from collections.abc import Collection

from warehouse.connections import connect

Prints = dict[str, tuple[int, str]]
# Ids of files are given anew in every warehouse; what they lead to is compared by name elsewhere.
FILE_IDS = ["_file_id", "file_id"]


def fingerprints(*schemas: str, names: str = "", skip: Collection[str] = ()) -> Prints:
    """Rows and content hash of every table and view of `schemas`, by name; ids of files aside.

    `names` is a regular expression that names must match, `skip` lists those left out. Logs of changed
    keys (`…__changes`) belong to the way and not to the end, and are left out, too.
    """
    with connect("auditor") as connection:
        tables = connection.execute(
            "select table_schema, table_name, string_agg(quote_ident(column_name), ', '"
            "   order by column_name) filter (where column_name <> all(%s))"
            " from information_schema.columns where table_schema = any(%s) and table_name ~ %s"
            "   and table_name <> all(%s) and table_name not like '%%\\_\\_changes'"
            " group by table_schema, table_name",
            [FILE_IDS, list(schemas), names, list(skip)],
        ).fetchall()
        found: Prints = {}
        for schema, name, columns in tables:
            assert name not in found, f"{name} stands in two of {schemas}"
            row = connection.execute(
                "select count(*), coalesce(md5(string_agg(content, '|' order by content)), '')"
                f" from (select md5(row({columns})::text) as content from {schema}.{name}) as rows"
            ).fetchone()
            assert row is not None
            found[name] = (row[0], row[1])
    return found
