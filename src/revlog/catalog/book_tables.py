"""The pipeline's own books (schema `ops`) as tables of the dictionary, from the database's comments."""

from __future__ import annotations

from typing import Any

import psycopg

from revlog.catalog.book import Column, Table

TABLES = """
select c.relname as name, coalesce(obj_description(c.oid, 'pg_class'), '') as description,
    array(
        select a.attname::text from pg_index as i
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = c.oid and i.indisprimary order by array_position(i.indkey, a.attnum)
    ) as key
from pg_class as c
where c.relnamespace = 'ops'::regnamespace and c.relkind in ('r', 'v')
order by c.relname
"""
COLUMNS = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
    coalesce(col_description(a.attrelid, a.attnum), '') as description
from pg_attribute as a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""


def book_tables(connection: psycopg.Connection[Any]) -> list[Table]:
    """Every table of `ops` with its columns."""
    found = []
    for name, description, key in connection.execute(TABLES).fetchall():
        columns = connection.execute(COLUMNS, [f"ops.{name}"]).fetchall()
        found.append(
            Table(
                id=f"ops.{name}", layer="ops", schema="ops", name=name,
                title=name.replace("_", " ").capitalize(), description=description, key=list(key),
                columns={
                    n: Column(n, t.replace("timestamp with time zone", "timestamptz"), d)
                    for n, t, d in columns
                },
                path="src/revlog/database/sql",
            )
        )  # fmt: skip
    return found
