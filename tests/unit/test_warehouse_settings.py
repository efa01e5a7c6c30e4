"""Settings, secrets and connection strings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from revlog.config import secrets
from revlog.config.settings import settings
from revlog.database import connections


@pytest.fixture(autouse=True)
def _own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))


def test_a_secret_is_kept_in_a_file_that_only_its_owner_reads() -> None:
    first = secrets.secret("loader")
    assert secrets.secret("loader") == first
    assert stat.S_IMODE(secrets.secrets_file().stat().st_mode) == 0o600


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.secret("loader")
    monkeypatch.setenv("REVLOG_PASSWORD_LOADER", "from outside")
    assert secrets.secret("loader") == "from outside"


def test_two_secrets_differ() -> None:
    assert secrets.secret("loader") != secrets.secret("publisher")


def test_a_dsn_quotes_what_a_password_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "host=db port=5433 dbname=wh user=root password=x")
    monkeypatch.setenv("REVLOG_PASSWORD_BI_READER", "p@ss/w:rd")
    assert connections.dsn("bi_reader") == "postgresql://bi_reader:p%40ss%2Fw%3Ard@db:5433/wh"


def test_a_dsn_keeps_the_options_of_the_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://root:x@db:5433/wh?sslmode=require")
    assert connections.dsn("admin").endswith("/wh?sslmode=require")


def test_a_dsn_keeps_the_folder_of_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "host=/var/run/postgresql port=5433 dbname=wh user=root")
    found = conninfo_to_dict(connections.dsn("admin"))
    assert (found["host"], found["port"], found["dbname"]) == ("/var/run/postgresql", "5433", "wh")


def test_an_unknown_role_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"unknown role 'root'.*bi_reader"):
        connections.dsn("root")


def test_the_landing_zone_lies_in_var_unless_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_URL", "")
    assert settings().landing == str(tmp_path / "landing")
    monkeypatch.setenv("LANDING_URL", "s3://bucket/landing")
    assert settings().landing == "s3://bucket/landing"
