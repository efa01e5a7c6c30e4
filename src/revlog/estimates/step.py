"""Make the estimates of a build: read core, compute, replace the tables."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from revlog.database.connections import connect
from revlog.estimates import customers
from revlog.estimates.estimate import Estimate
from revlog.estimates.forecast import expected
from revlog.estimates.quality import alert_rows

if TYPE_CHECKING:
    import pandas as pd

ESTIMATES: tuple[Estimate, ...] = (customers.ESTIMATE, expected.ESTIMATE, alert_rows.ESTIMATE)


class EstimateFailed(RuntimeError):
    """An estimate can't be computed; the message says which, and why."""


def write(as_of: dt.date, estimates: tuple[Estimate, ...] | None = None) -> str:
    """Replace every table of the estimates by what core says as of the date; returns what people are told.

    All of them or none. Raises EstimateFailed where one can't be computed, and psycopg.OperationalError.
    """
    made, began = ESTIMATES if estimates is None else estimates, time.monotonic()
    rows = 0
    with connect("transformer") as connection:
        for estimate in made:
            rows += _made(connection, estimate, as_of)
    return f"{len(made)} estimates, {rows:,} rows ({time.monotonic() - began:.1f} s)"


def _made(connection: psycopg.Connection[Any], estimate: Estimate, as_of: dt.date) -> int:
    try:
        return _replace(connection, estimate.table, estimate.compute(connection, as_of))
    except psycopg.OperationalError:
        # The server is gone, or its disk full, or somebody waits: nothing that is wrong with the estimate.
        raise
    except Exception as error:
        raise EstimateFailed(
            f"estimates.{estimate.table} can't be computed: {type(error).__name__}: {error}"
        ) from error


def _replace(connection: psycopg.Connection[Any], table: str, found: pd.DataFrame) -> int:
    """Put these rows in place of the table's; a missing value is null, whatever pandas calls it."""
    relation = sql.Identifier("estimates", table)
    columns = sql.SQL(", ").join(map(sql.Identifier, found.columns))
    connection.execute(sql.SQL("truncate {}").format(relation))
    rows = found.astype(object).where(found.notna(), None).itertuples(index=False, name=None)
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy {} ({}) from stdin").format(relation, columns)) as copy,
    ):
        for row in rows:
            copy.write_row(row)
    connection.execute(sql.SQL("analyze {}").format(relation))
    return len(found)
