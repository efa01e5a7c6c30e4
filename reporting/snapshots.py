"""One state of the warehouse, seen by each role with its own rights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from warehouse.connections import connect

Row = dict[str, Any]
Reader = psycopg.Connection[Row]


@contextlib.contextmanager
def snapshot(*roles: str) -> Iterator[list[Reader]]:
    """Connections of these roles, which write nothing and all see what the first one sees."""
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(connect(role, row_factory=dict_row)) for role in roles]
        for reader in readers:
            reader.execute("set transaction isolation level repeatable read read only")
        first, *others = readers
        if others:
            shared = first.execute("select pg_export_snapshot() as name").fetchone()
            assert shared is not None
            for other in others:
                other.execute(sql.SQL("set transaction snapshot {}").format(shared["name"]))
        yield readers


def exists(reader: Reader, table: str) -> bool:
    """Whether there is such a table."""
    found = reader.execute("select to_regclass(%s) as name", [table]).fetchone()
    return found is not None and found["name"] is not None
