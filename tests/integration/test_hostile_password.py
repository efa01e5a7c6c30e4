"""Passwords with every character that URLs, service files and YAML treat as their own, in all drivers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from revlog.database import server
from revlog.database.connections import ROLES, connect, dbt_environment
from revlog.database.psql import service_file
from revlog.gates.judging import _context, open_source
from revlog.local.airflow import _metadata_url
from revlog.maintenance.migrate import create_airflow_database, migrate
from revlog.transform import dbt_process

HOSTILE = "p@ss:w/rd%20 {{ 1 }} ${HOME} 'q' \"q\" #?&=\\ é"


@pytest.fixture(scope="module", autouse=True)
def _hostile(database: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for role in (*ROLES, "airflow"):
            patch.setenv(f"REVLOG_PASSWORD_{role.upper()}", HOSTILE + role)
        migrate()
        create_airflow_database()
        yield


@pytest.mark.parametrize("role", ROLES)
def test_psycopg_logs_in(role: str) -> None:
    with connect(role) as connection:
        assert connection.execute("select session_user").fetchone() == (role,)


@pytest.mark.parametrize("role", ["bi_reader", "finance_reader"])
def test_psql_logs_in_from_a_file_that_only_its_owner_reads(role: str) -> None:
    file = service_file(role)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    done = subprocess.run(
        [server.program("psql"), f"service={role}", "-At", "-c", "select session_user"],
        env={"PGSERVICEFILE": str(file)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{role}\n", "")


def test_great_expectations_logs_in() -> None:
    source = open_source(_context())
    with source.get_execution_engine().engine.connect() as connection:
        assert connection.execute(sa.text("select session_user")).scalar_one() == "validator"


def test_dbt_logs_in() -> None:
    done = dbt_process.run(["debug", "--connection"])
    assert done.returncode == 0, done.stdout[-2000:]
    assert "OK connection ok" in done.stdout
    assert "p@ss" not in done.stdout + done.stderr


def test_metricflow_logs_in_as_dbt_does() -> None:
    assert dbt_environment("bi_reader")["DBT_PASSWORD"] == HOSTILE + "bi_reader"


def test_airflow_logs_in_to_its_own_database() -> None:
    with sa.create_engine(_metadata_url("postgresql+psycopg2")).connect() as connection:
        assert connection.execute(sa.text("select session_user, current_database()")).one() == (
            "airflow", "airflow",
        )  # fmt: skip
