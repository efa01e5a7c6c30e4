"""What an estimate is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    import pandas as pd

QUERIES = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Estimate:
    """A table of schema `estimates`, and how its rows are computed.

    `compute` gets a connection as the role transformer and the date that the build is as of. It returns the
    table's columns by name, and the same rows for the same core: no clock, no chance.
    """

    table: str
    compute: Callable[[psycopg.Connection[Any], dt.date], pd.DataFrame]


def rows_of(
    connection: psycopg.Connection[Any], query: str, parameters: dict[str, Any] | None = None
) -> pd.DataFrame:
    """Rows of a query that stands in sql/<query>.sql, its parameters as %(name)s."""
    import pandas as pd

    with connection.cursor() as cursor:
        cursor.execute(_text(query).encode(), parameters)
        assert cursor.description is not None
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


@cache
def _text(query: str) -> str:
    return (QUERIES / f"{query}.sql").read_text(encoding="utf-8")
