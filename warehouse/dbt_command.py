"""The command `dbt`, whose threads keep their connections: `python -m warehouse.dbt_command build ...`."""

from __future__ import annotations

from typing import Any

from dbt.adapters.contracts.connection import ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.cli.main import cli


def keep_connections() -> None:
    """Let a thread of dbt go on with its connection from node to node; dbt opens one for each node.

    Between two nodes it is as if new (`discard all`). One that is broken is closed, and the next node gets
    another.
    """
    close = PostgresConnectionManager.release

    def release(self: Any) -> None:
        connection = self.get_if_exists()
        if connection is None or connection.state != ConnectionState.OPEN or not _is_as_new(connection):
            close(self)

    PostgresConnectionManager.release = release  # type: ignore[method-assign]


def _is_as_new(connection: Any) -> bool:
    """Roll back and forget all that a session keeps; False where the connection is broken."""
    session = connection.handle
    try:
        session.rollback()
        session.autocommit = True  # "discard all" runs in no transaction
        with session.cursor() as cursor:
            cursor.execute("discard all")
        session.autocommit = False
    except session.Error:
        return False
    connection.transaction_open = False
    return True


if __name__ == "__main__":
    keep_connections()
    cli()
