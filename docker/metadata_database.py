"""Create Airflow's own role and database beside the warehouse; may be repeated."""

from __future__ import annotations

import psycopg
from psycopg import sql

from warehouse.connections import dsn
from warehouse.secrets import secret


def main() -> None:
    """Create or update role `airflow` (REVLOG_PASSWORD_AIRFLOW) and its database."""
    with psycopg.connect(dsn("admin", database="postgres"), autocommit=True) as connection:
        role = connection.execute("select 1 from pg_roles where rolname = 'airflow'").fetchone()
        verb = sql.SQL("alter" if role else "create")
        password = sql.Literal(secret("airflow"))
        connection.execute(sql.SQL("{} role airflow login password {}").format(verb, password))
        if connection.execute("select 1 from pg_database where datname = 'airflow'").fetchone() is None:
            connection.execute("create database airflow owner airflow")
        connection.execute("revoke connect on database airflow from public")


if __name__ == "__main__":
    main()
