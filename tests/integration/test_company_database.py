"""A company has a database of its own, and every command says so while there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from warehouse import migrate
from warehouse.__main__ import app
from warehouse.connections import NoWarehouse, connect


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
