"""A warehouse that 0.1.0 built: upgraded by the documented command, backed up, restored into a fresh server,
and the next night on that.

Nothing that was published, closed or erased may change on the way, no right either, and the night must say
what 0.1.0 said of the same files.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.config import secrets
from revlog.config.settings import ROOT, code_version, project_version
from revlog.database.connections import dsn
from tests.rights import rights
from tests.tables import Prints, fingerprints
from tests.upgrade.kept import (
    CLOSED,
    KEY,
    NIGHT,
    NIGHTS,
    Said,
    assert_nothing_lost,
    land,
    own_server,
    python,
    restore_dump,
    said,
    said_by_0_1_0,
)
from tests.upgrade.told_otherwise import CHANGES, Change

pytestmark = pytest.mark.long

ROLES_OF_READERS = ("bi_reader", "finance_reader", "auditor")
SCHEMAS = ("raw", "ops", "staging", "intermediate", "core", "estimates", "build", "marts", "finance")
# What a company adds to its own warehouse: a login of a person, rights of it, and settings.
ADDED = (
    "create role alice login connection limit 3 valid until '2030-01-01' password 'of alice'",
    "grant bi_reader to alice",
    "grant select (name, status) on ops.file_ledger to alice",
    "grant usage on schema ops to alice",
    "grant connect on database warehouse to alice with grant option",
    "alter role bi_reader in database warehouse set search_path = marts, \"$user\"",
    "alter role alice in database warehouse set work_mem = '31MB'",
    "alter database warehouse set default_statistics_target = 77",
    "alter default privileges for role publisher in schema finance grant select on tables to alice",
)  # fmt: skip


@dataclass(frozen=True)
class Warehouse:
    """Everything that a warehouse holds, and every right."""

    contents: Prints
    rights: dict[str, set[tuple[Any, ...]]]


@dataclass(frozen=True)
class Upgraded:
    """What the kept warehouse said before and after the upgrade, and what was backed up of it."""

    before: Said
    after: Said
    printed: str
    warehouse: Warehouse
    backup: Path
    var: Path


@dataclass(frozen=True)
class Restored:
    """What the restored warehouse is, and what it says after the next night."""

    printed: str
    warehouse: Warehouse
    after_night: Said


def _warehouse() -> Warehouse:
    with psycopg.connect(dsn("admin")) as connection:
        found = rights(connection)
    # By schema: fingerprints are by table, and core and build have some of one name.
    contents = {f"{s}.{t}": p for s in SCHEMAS for t, p in fingerprints(s, run_columns=True).items()}
    return Warehouse(contents, found)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Let psql restore the kept dump, upgrade it, and back it up."""
    with pytest.MonkeyPatch.context() as patch:
        var, folder = tmp_path_factory.mktemp("upgrade"), tmp_path_factory.mktemp("backups")
        patch.setenv("REVLOG_SECRET_CUSTOMER_KEY", KEY)
        with own_server(patch, var):
            restore_dump(folder / "warehouse.sql")
            before = said()
            printed = python("-m", "revlog", "warehouse", "migrate")
            after = said()
            with psycopg.connect(dsn("admin")) as connection:
                for statement in ADDED:
                    connection.execute(statement)
            warehouse = _warehouse()
            python("-m", "revlog", "warehouse", "backup", "--to", str(folder / "backup"))
            yield Upgraded(before, after, printed, warehouse, folder / "backup", var)


@pytest.fixture(scope="module")
def restored(upgraded: Upgraded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    """Restore the backup where there is no server yet and no secret, and run the next night."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "")
        patch.setenv("LANDING_URL", str(land(tmp_path_factory.mktemp("landing"))))
        with own_server(patch, tmp_path_factory.mktemp("restored"), started=False):
            printed = python("-m", "revlog", "warehouse", "restore", "--from", str(upgraded.backup))
            warehouse = _warehouse()
            python("-m", "revlog", "night", NIGHT)
            yield Restored(printed, warehouse, said())


def test_the_upgrade_keeps_every_published_row(upgraded: Upgraded) -> None:
    assert sum(map(len, upgraded.before.published.values())) > 10_000
    assert_nothing_lost(upgraded.before.published, upgraded.after.published)


def test_the_upgrade_keeps_every_row_that_came_and_every_line_of_the_books(upgraded: Upgraded) -> None:
    before, after = upgraded.before.counts, upgraded.after.counts
    assert before["raw.erp_sales_lines"] > 0 and before["ops.file_ledger"] > 0
    assert {name: after.get(name) for name in before} == before


def test_the_upgrade_says_which_version_the_warehouse_is_of(upgraded: Upgraded) -> None:
    assert upgraded.printed.splitlines()[-1] == f"the warehouse is of version {project_version()}"
    assert upgraded.after.counts["ops.versions"] == 1


def test_a_backup_opens_for_its_owner_only(upgraded: Upgraded) -> None:
    files = list(upgraded.backup.rglob("*"))
    assert len(files) > 100
    for path in [upgraded.backup, *files]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_restored_warehouse_holds_what_was_backed_up(upgraded: Upgraded, restored: Restored) -> None:
    was, now = upgraded.warehouse.contents, restored.warehouse.contents
    assert len(was) > 200
    assert {
        name: (was.get(name), now.get(name)) for name in was | now if was.get(name) != now.get(name)
    } == {}


def test_a_restored_warehouse_has_every_right_and_no_other(upgraded: Upgraded, restored: Restored) -> None:
    for kind, was in upgraded.warehouse.rights.items():
        now = restored.warehouse.rights[kind]
        assert was, kind
        assert (was - now, now - was) == (set(), set()), f"{kind}: lost, gained"


def test_passwords_and_the_customer_key_come_with_the_backup(upgraded: Upgraded, restored: Restored) -> None:
    here = secrets.generated()
    assert here[secrets.CUSTOMER_KEY] == KEY
    assert {name for name in here if name in ROLES_OF_READERS} == set(ROLES_OF_READERS)
    for login, password in (("bi_reader", here["bi_reader"]), ("alice", "of alice")):
        with psycopg.connect(dsn("admin"), user=login, password=password) as connection:
            assert connection.execute("select count(*) > 0 from marts.kpi_daily").fetchone() == (True,)


@pytest.mark.parametrize("night", NIGHTS)
def test_every_past_night_still_shows_its_kpis(upgraded: Upgraded, restored: Restored, night: str) -> None:
    was = upgraded.before.nights[night]
    assert was.total() == NIGHTS[night]
    assert upgraded.after.nights[night] == was
    assert restored.after_night.nights[night] == was


def test_closed_periods_stay_as_they_were_reported(upgraded: Upgraded, restored: Restored) -> None:
    assert upgraded.before.reported
    assert restored.after_night.reported == upgraded.before.reported
    assert _acts(restored.after_night) == _acts(upgraded.before)
    assert {period for period, *_ in _acts(upgraded.before)} == set(CLOSED)


def _acts(of: Said) -> set[tuple[str, str, str, str]]:
    return {
        (a["period"], a["act"], a["approver"], a["acted_at"]) for a in of.published["finance.period_acts"]
    }


def test_an_erased_customer_stays_erased_though_the_night_brought_the_file_again(restored: Restored) -> None:
    with psycopg.connect(dsn("admin")) as connection:
        identities = [
            f"raw.{table}"
            for (table,) in connection.execute(
                "select table_name from information_schema.columns where table_schema = 'raw'"
                " and table_name like '%\\_identity' and column_name = 'customer_id' order by 1"
            )
        ]
        assert identities == [
            "raw.crm_cases_identity", "raw.crm_customers_identity", "raw.crm_return_requests_identity",
        ]  # fmt: skip
        for name in identities:
            found = connection.execute(
                f"select count(*) from {name} inner join ops.erasures using (customer_id)"
            )
            assert found.fetchone() == (0,), f"{name} knows an erased customer"
        came = connection.execute(
            "select count(*) from raw.crm_customers as r inner join ops.erasures as e using (customer_id)"
            " inner join ops.file_ledger as f on f.file_id = r._file_id"
            " where f.name = 'crm_customers_20260204.csv'"
        )
        assert came.fetchone() == (1,), "the file of the night must name the erased customer"


def test_the_night_says_what_0_1_0_said_of_the_same_files(restored: Restored) -> None:
    assert_nothing_lost(said_by_0_1_0(), restored.after_night.published, CHANGES)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.changelog[:30])
def test_what_is_said_otherwise_is_in_the_changelog(change: Change) -> None:
    assert change.changelog in (ROOT / "CHANGELOG.md").read_text()


def test_the_publication_names_the_version_that_made_it(restored: Restored) -> None:
    publications = restored.after_night.published["marts.publications"]
    versions = {p["business_date"]: p["code_version"] for p in publications}
    assert versions == {**dict.fromkeys(NIGHTS, "0.1.0"), NIGHT: code_version()}


def test_an_upgrade_may_be_repeated(restored: Restored) -> None:
    python("-m", "revlog", "warehouse", "migrate")
    again = said()
    assert_nothing_lost(restored.after_night.published, again.published)
    was = restored.after_night
    assert (again.nights, again.reported, again.counts) == (was.nights, was.reported, was.counts)
