"""A company has a database of its own: of its name on the embedded server, elsewhere the one it filled."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revlog.commands.warehouse import app
from revlog.companies.company import COMPANIES
from revlog.database.connections import NoWarehouse, connect, dsn
from revlog.database.served import OtherCompany
from revlog.maintenance import migrate
from revlog.transform import build
from tests.integration.ingestion_landing import FEED, load, query, sale, sales


@pytest.fixture()
def acme(warehouse_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company whose folder is there, and nothing else of it."""
    folder = tmp_path / "acme"
    folder.mkdir()
    monkeypatch.setenv("COMPANY", str(folder))
    monkeypatch.setenv("REVLOG_DATABASE", "")


def test_no_command_names_a_database_that_is_not_there(acme: None) -> None:
    runner = CliRunner()
    for command in (["dsn", "bi_reader"], ["psql", "bi_reader"]):
        done = runner.invoke(app, command)
        assert done.exit_code == 1
        assert "there is no database acme for it yet: make upgrade makes it" in done.output
        assert "postgresql://" not in done.output
    with pytest.raises(NoWarehouse, match="there is no database acme for it yet"):
        connect("loader")
    migrate.upgrade()
    done = runner.invoke(app, ["dsn", "bi_reader"])
    assert done.exit_code == 0
    assert done.output.strip().endswith("/acme")
    with connect("bi_reader") as connection:
        assert connection.execute("select current_database()").fetchone() == ("acme",)


NEXT = dt.date(2026, 2, 2)


@pytest.fixture()
def filled(fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server of one's own, whose warehouse the simulated company has filled; another one is served now."""
    monkeypatch.setenv("WAREHOUSE_DSN", dsn("admin"))
    sales(fresh_database, "20260131", sale("A"))
    load()
    shutil.copytree(COMPANIES / "simulated", tmp_path / "other")
    monkeypatch.setenv("COMPANY", str(tmp_path / "other"))
    sales(fresh_database, "20260202", sale("B"))
    return fresh_database


def _rows() -> list[str]:
    return [key for (key,) in query(f"select recovery_id from raw.{FEED} order by 1")]


def test_another_company_brings_no_row_into_the_warehouse_and_builds_nothing(filled: Path) -> None:
    with pytest.raises(OtherCompany, match="the warehouse is simulated's, and COMPANY is other: two"):
        load(date=NEXT)
    with pytest.raises(OtherCompany, match="revlog warehouse rename-company simulated"):
        build.begin(NEXT)
    assert _rows() == ["A"]
    assert query("select count(*) from ops.builds") == [(0,)]


def test_a_company_that_is_called_otherwise_goes_on_when_it_says_so(filled: Path) -> None:
    runner = CliRunner()
    wrong = runner.invoke(app, ["rename-company", "acme"])
    assert (wrong.exit_code, wrong.output) == (1, "nothing was changed: the warehouse is simulated's\n")
    done = runner.invoke(app, ["rename-company", "simulated"])
    assert (done.exit_code, done.output) == (0, "the warehouse is other's (was called simulated)\n")
    load(date=NEXT)
    assert _rows() == ["A", "B"]
