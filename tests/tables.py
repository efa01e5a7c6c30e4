"""What tables hold, so that two ways to the same end can be compared."""

from __future__ import annotations

from collections.abc import Collection

from revlog.database.connections import connect

Prints = dict[str, tuple[int, str]]
# Files and publications are numbered anew in every warehouse, and have their own times; what they lead to is
# compared by name elsewhere.
RUN_COLUMNS = [
    "_file_id", "file_id", "publication_id", "from_publication", "to_publication", "published_at", "files",
]  # fmt: skip


def fingerprints(
    *schemas: str, names: str = "", skip: Collection[str] = (), run_columns: bool = False
) -> Prints:
    """Rows and content hash of every table and view of `schemas`, by name; RUN_COLUMNS only if asked for.

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
            [[] if run_columns else RUN_COLUMNS, list(schemas), names, list(skip)],
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
