"""Migrating a warehouse in which views show what a new version no longer keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from revlog.commands.warehouse import app
from revlog.database.connections import connect
from revlog.database.relations import Relation, columns, kind
from revlog.maintenance import migrate
from tests.integration.ingestion_landing import query

REQUESTS = Relation("staging", "stg_crm__return_requests")


@pytest.fixture()
def before(fresh_database: Path) -> None:
    """A table with a column that goes, and views of dbt over it."""
    with connect("transformer") as connection:
        for statement in (
            "create table staging.stg_crm__return_requests (rma_no text, customer_comment text)",
            "insert into staging.stg_crm__return_requests values ('R1', 'too small')",
            "create view intermediate.int_requests as table staging.stg_crm__return_requests",
            "create view intermediate.int_request_units as table intermediate.int_requests",
            "create view intermediate.int_numbers as select rma_no from staging.stg_crm__return_requests",
        ):
            connection.execute(statement)


def test_a_column_goes_with_the_views_of_dbt_that_show_it(before: None) -> None:
    migrate.migrate()
    with connect("admin") as connection:
        assert columns(connection, REQUESTS) == {"rma_no": "text"}
        shown = [
            kind(connection, Relation("intermediate", name))
            for name in ("int_requests", "int_request_units", "int_numbers")
        ]
    assert shown == [None, None, "v"]
    assert query("select * from staging.stg_crm__return_requests") == [("R1",)]


def test_a_view_of_somebody_else_over_such_a_column_is_told_and_nothing_is_dropped(before: None) -> None:
    with connect("admin") as connection:
        connection.execute("create view public.analysts as table intermediate.int_request_units")
    told = CliRunner().invoke(app, ["migrate"])
    assert told.exit_code == 1
    assert "public.analysts reads staging.stg_crm__return_requests.customer_comment" in told.stderr
    assert "which this version no longer keeps: drop that view, run this again" in told.stderr
    assert query("select * from intermediate.int_request_units") == [("R1", "too small")]
    with connect("admin") as connection:
        connection.execute("drop view public.analysts")
    migrate.migrate()
    with connect("admin") as connection:
        assert columns(connection, REQUESTS) == {"rma_no": "text"}
