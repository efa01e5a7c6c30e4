"""Code and warehouse are of one version, or nothing is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.version import Version
from typer.testing import CliRunner

from revlog.commands.warehouse import app
from revlog.config.settings import ROOT, code_version, project_version
from revlog.database import connections
from revlog.database.connections import connect
from revlog.maintenance import migrate
from revlog.night import stages
from revlog.night.errors import NightFailed
from tests.integration.ingestion_landing import sales

NIGHT = "2026-02-01"


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_of_this_version", set())


def _set_version(version: str) -> None:
    with connect("admin") as connection:
        connection.execute("insert into ops.versions (version, code_version) values (%s, 'x')", [version])


def _versions() -> list[str]:
    with connect("auditor") as connection:
        found = connection.execute("select version from ops.versions order by upgrade_id")
        return [version for (version,) in found]


def test_the_version_is_the_newest_of_the_changelog() -> None:
    heading = re.search(r"^## (\S+?)(, in the making)?$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert heading is not None
    version = Version(project_version())
    assert version.base_version == heading[1]
    assert version.is_devrelease == bool(heading[2])


def test_the_commit_stands_behind_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE_VERSION", "3f2c9a1b7d40e5f60718293a4b5c6d7e8f901234")
    assert code_version() == f"{project_version()}+3f2c9a1b7d40"


def test_an_upgrade_writes_its_version_down_once(fresh_database: Path) -> None:
    migrate.upgrade()
    migrate.upgrade()
    assert _versions() == [project_version()]
    _set_version("0.1.9")
    migrate.upgrade()
    assert _versions() == [project_version(), "0.1.9", project_version()]


def test_older_code_writes_nothing_into_a_newer_warehouse(fresh_database: Path) -> None:
    _set_version("99.0")
    for act in (
        lambda: stages.ingest("crm_customers", NIGHT),
        lambda: stages.begin_build(NIGHT),
        lambda: stages.publish(NIGHT),
        lambda: stages.whole_night(NIGHT, lambda line: None),
    ):
        with pytest.raises(NightFailed, match=r"is of version 99\.0, .* Run 99\.0 or newer"):
            act()
    with connect("auditor") as connection:
        assert connection.execute("select count(*) from ops.builds").fetchone() == (0,)


def test_older_code_does_not_migrate_a_newer_warehouse(fresh_database: Path) -> None:
    _set_version("99.0")
    with connect("admin") as connection:
        connection.execute("drop table ops.acceptances")
    done = CliRunner().invoke(app, ["migrate"])
    assert done.exit_code == 1
    assert "is of version 99.0" in done.stderr
    with connect("admin") as connection:
        assert connection.execute("select to_regclass('ops.acceptances')").fetchone() == (None,)


@pytest.mark.parametrize(
    "statement", ["drop table ops.versions", "update ops.versions set version = '0.1.5'"]
)
def test_newer_code_asks_for_the_upgrade_first(fresh_database: Path, statement: str) -> None:
    sales(fresh_database, "20260201")
    with connect("admin") as connection:
        connection.execute(statement)
    with pytest.raises(NightFailed, match=r"is of version 0\.1\.[05], .* make upgrade"):
        stages.ingest("crm_customers", NIGHT)
    with connect("bi_reader"), connect("auditor"):
        pass
    migrate.upgrade()
    stages.ingest("crm_customers", NIGHT)


def test_both_versions_are_shown(fresh_database: Path) -> None:
    _set_version("0.1.7")
    shown = CliRunner().invoke(app, ["version"]).stdout
    assert shown.splitlines() == [f"code       {code_version()}", "warehouse  0.1.7"]
