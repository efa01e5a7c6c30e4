"""Fixtures shared by all tests: one embedded PostgreSQL a session, one fresh database a module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from revlog.database import connections, server
from revlog.maintenance import migrate
from revlog.transform import build
from tests import shared_dbt

# A developer's `.env` has no say in tests.
os.environ["REVLOG_ENV_FILE"] = os.devnull
# Nor has the width of the terminal that they are started from.
os.environ.pop("COLUMNS", None)

# No test is timed: on a busy machine an example takes what it takes.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

_TESTS = Path(__file__).parent
_SETTINGS = ("WAREHOUSE_DSN", "LANDING_URL", "BUSINESS_DATE", "REPORTING_CURRENCY", "COMPANY", "LAYOUTS")


# The server of tests outlives kills of its processes, and need not outlive the machine: it waits for no disk.
_FORGETFUL = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "'1h'",
}


# Folders whose files take minutes come first, so that no worker starts one when the others are done.
_ORDER = ("e2e", "integration", "upgrade", "machinery", "faults", "real", "dags", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first."""
    items.sort(key=lambda item: _ORDER.index(item.path.relative_to(_TESTS).parts[0]))


@pytest.fixture(scope="session")
def warehouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start an embedded PostgreSQL of the test session's own; yields its `var` folder."""
    with pytest.MonkeyPatch.context() as patch:
        var = tmp_path_factory.mktemp("var")
        patch.setenv("REVLOG_VAR", str(var))
        for name in _SETTINGS:
            patch.setenv(name, "")
        for name, value in _FORGETFUL.items():
            patch.setitem(server.CONFIGURATION, name, value)
        # Several workers start theirs at once: any free port, so that no two want the same.
        patch.setenv("REVLOG_PORT", "0")
        server.start()
        # What dbt rendered for one worker is rendered for all of them.
        plans = tmp_path_factory.getbasetemp().parent / "plans"
        plans.mkdir(exist_ok=True)
        (var / "dbt").mkdir(mode=0o700)
        (var / "dbt" / "plans").symlink_to(plans)
        patch.setenv("REVLOG_DATABASE", "template_warehouse")
        migrate.upgrade()
        with shared_dbt.sharing():
            yield var
        server.destroy()


@pytest.fixture()
def own_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a test of how dbt is started: it shares none, and nothing is planned."""
    planned = build.plan_file
    monkeypatch.setattr(
        build, "plan_file", lambda arguments: tmp_path / "plans" / "own" / planned(arguments).name
    )
    with shared_dbt.none_shared():
        yield


@pytest.fixture(scope="module")
def rendered_by_dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For a module that reads the SQL which dbt has compiled: no layer is sent as it was planned before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "plan_file", lambda _: tmp_path_factory.mktemp("plans") / "own" / "layer.json")
        yield


@pytest.fixture(scope="module")
def database(warehouse_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the module an empty migrated warehouse and an empty landing zone; yields the latter."""
    with pytest.MonkeyPatch.context() as patch:
        yield _fresh(patch, "warehouse_of_module", tmp_path_factory.mktemp("landing"))


@pytest.fixture()
def fresh_database(warehouse_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Like `database`, for one test alone."""
    landing = tmp_path / "landing"
    landing.mkdir()
    return _fresh(monkeypatch, "warehouse_of_test", landing)


def _fresh(patch: pytest.MonkeyPatch, name: str, landing: Path) -> Path:
    """A new warehouse in place of the last of that name: dbt reads the project anew for each other name."""
    with psycopg.connect(connections.dsn("admin", "postgres"), autocommit=True) as connection:
        old = "select datname from pg_database where starts_with(datname, %s)"  # copies of it, too
        for (database,) in connection.execute(old, [name]).fetchall():
            connection.execute(f'drop database "{database}" with (force)')
        connection.execute(f"create database {name} template template_warehouse")
    connections._of_this_version.clear()
    patch.setenv("REVLOG_DATABASE", name)
    patch.setenv("LANDING_URL", str(landing))
    migrate.migrate()
    return landing
