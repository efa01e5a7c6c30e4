"""One state of the warehouse, as what is reported shows it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.database.connections import connect

Row = dict[str, Any]
Reader = psycopg.Connection[Row]


@contextlib.contextmanager
def snapshot() -> Iterator[Reader]:
    """A connection of the role that reports, which writes nothing and sees one state all along."""
    with connect("reporter", row_factory=dict_row) as connection:
        connection.execute("set transaction isolation level repeatable read read only")
        yield connection


def exists(reader: Reader, table: str) -> bool:
    """Whether there is such a table."""
    found = reader.execute("select to_regclass(%s) as name", [table]).fetchone()
    return found is not None and found["name"] is not None
