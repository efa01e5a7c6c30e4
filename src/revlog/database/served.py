"""Whose warehouse it is: two companies in one would add up.

The embedded server has a database for each company. On another server the warehouse keeps who filled it.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from revlog.companies.company import folder
from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database.connections import connect

Connection = psycopg.Connection[Any]


class OtherCompany(Refusal):
    """The warehouse is another company's; nothing was written."""


def keep(connection: Connection) -> None:
    """Keep the company whose first files these are; raises OtherCompany where it isn't the first."""
    if settings().warehouse_dsn is not None:
        insert = sql.SQL("insert into ops.company (company) values ({}) on conflict do nothing")
        connection.execute(insert.format(_at_hand()))
    check(connection)


def check(connection: Connection) -> None:
    """Raise OtherCompany where the warehouse is not of the company that this checkout serves."""
    if settings().warehouse_dsn is None:
        return
    kept, served = _kept(connection), _at_hand()
    if kept not in (None, served):
        raise OtherCompany(
            f"the warehouse is {kept}'s, and COMPANY is {served}: two companies in one warehouse would add"
            " up. Nothing was written. Give each a database of its own, which WAREHOUSE_DSN names; where it"
            f" is the same company under another name: revlog warehouse rename-company {kept}"
        )


def rename(old: str) -> str:
    """Let the company that the warehouse knows as `old` be called as COMPANY says; returns a line to show."""
    if settings().warehouse_dsn is None:
        raise OtherCompany(
            "nothing was changed: on the embedded server a company's database says whose it is. Name it in"
            " company.yml: `database`"
        )
    with connect("admin") as connection:
        kept = _kept(connection)
        if kept != old:
            raise OtherCompany(f"nothing was changed: the warehouse is {kept or 'nobody'}'s")
        connection.execute("update ops.company set company = %s, kept_at = now()", [_at_hand()])
    return f"the warehouse is {_at_hand()}'s (was called {old})"


def _at_hand() -> str:
    return folder(settings().company).name


def _kept(connection: Connection) -> str | None:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute("select company from ops.company").fetchone()
    return None if row is None else str(row[0])
