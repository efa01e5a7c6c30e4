"""Backups that fail, or that can't be restored, say why and change nothing; what is replaced is put aside."""

from __future__ import annotations

import getpass
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from revlog.commands.warehouse import app
from revlog.config import secrets
from revlog.database import programs
from revlog.database.connections import ROLES, connect, dsn
from revlog.maintenance import backup, migrate, undumped
from revlog.maintenance.backup import BackupFailed, back_up
from revlog.maintenance.restore import RestoreFailed, restore
from tests.integration.ingestion_landing import load, put, sale, sales
from tests.machinery.test_full_disk import _mount
from tests.rights import rights
from tests.tables import fingerprints
from tests.upgrade.kept import own_server

KEY = "key-of-the-company"
CUSTOMERS = (
    "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent\n"
    "C1,Ada Secret,ada@example.com,+49 111,DE,consumer,2024-01-01 00:00:00,,yes\n"
)
# Rights within the database; a role that makes others is a member of them.
KINDS = ("relations", "columns", "schemas", "defaults")
_numbers = itertools.count(1)


def silent(line: str) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def company(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A warehouse with a few rows, by WAREHOUSE_DSN, with a customer key of its own."""
    with pytest.MonkeyPatch.context() as patch:
        passwords = {role: secrets.secret(role) for role in ROLES}
        patch.setenv("WAREHOUSE_DSN", dsn("admin"))
        patch.setenv("REVLOG_VAR", str(tmp_path_factory.mktemp("company")))
        secrets.keep({**passwords, secrets.CUSTOMER_KEY: KEY})
        migrate.upgrade()
        sales(database, "20260130", sale("A"), sale("B"))
        put(database, "crm_customers_20260130.csv", CUSTOMERS)
        load()
        load("crm_customers")
        with connect("publisher") as connection:
            connection.execute("create table marts.on_show as select generate_series(1, 1000) as n")
        yield


@pytest.fixture(scope="module")
def made(company: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the company's warehouse."""
    folder = tmp_path_factory.mktemp("backups") / "made"
    back_up(folder, True, silent)
    return folder


@pytest.fixture()
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


@pytest.fixture()
def elsewhere(company: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """From here on the settings name a database that is not there yet, with passwords and no customer key."""
    passwords = {role: secrets.secret(role) for role in ROLES}
    name = f"elsewhere_{next(_numbers)}"
    monkeypatch.setenv("WAREHOUSE_DSN", make_conninfo(dsn("admin"), dbname=name))
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path / "elsewhere"))
    secrets.keep(passwords)
    return name


def _databases() -> set[str]:
    with psycopg.connect(dsn("admin", "postgres")) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database")}


def _shown() -> Any:
    with connect("bi_reader") as connection:
        return connection.execute("select count(*), sum(n) from marts.on_show").fetchone()


@contextmanager
def _long_night() -> Iterator[None]:
    """A night of another process."""
    with connect("transformer", application_name="a long night") as connection:
        connection.execute("lock table locks.night in exclusive mode")
        yield


def _edit(folder: Path, **changes: Any) -> None:
    path = folder / backup.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_backup_is_never_written_over_another(made: Path) -> None:
    before = backup.fingerprints(made)
    with pytest.raises(BackupFailed, match=r"made is there already; name a new folder"):
        back_up(made, True, silent)
    assert backup.fingerprints(made) == before


def test_a_database_without_a_warehouse_is_not_backed_up(
    company: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", make_conninfo(dsn("admin"), dbname="postgres"))
    with pytest.raises(BackupFailed, match="postgres holds no warehouse"):
        back_up(tmp_path / "backup", True, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_newer_than_pg_dump_is_told(
    company: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "major", lambda name: 17)
    with pytest.raises(BackupFailed, match=r"PostgreSQL 18, the pg_dump of this environment is 17"):
        back_up(tmp_path / "backup", True, silent)


def test_a_full_disk_leaves_no_file_and_says_so(company: None) -> None:
    disk = Path(tempfile.mkdtemp(prefix="reverse-logistics-disk-"))
    if shutil.which("mount") is None or _mount(disk, "size=64k").returncode:
        disk.rmdir()
        pytest.skip("mounting a small file system needs root")
    try:
        with pytest.raises(BackupFailed, match=f"the disk of {disk} is full: free space"):
            back_up(disk / "backup", True, silent)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


def test_a_backup_waits_for_a_nights_end_and_not_for_ever(
    company: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0.01")
    with _long_night(), pytest.raises(BackupFailed, match=r"no backup was made: .*a long night"):
        back_up(tmp_path / "backup", True, silent)
    assert list(tmp_path.iterdir()) == []


def test_no_password_is_an_argument(
    company: None, elsewhere: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Watched(subprocess.Popen[str]):
        def __init__(self, command: list[str], **options: Any) -> None:
            started.extend(command)
            super().__init__(command, **options)

    monkeypatch.setattr(programs.subprocess, "Popen", Watched)
    restore(made, None, silent)
    password = psycopg.conninfo.conninfo_to_dict(dsn("admin"))["password"]
    assert any("service=" in argument for argument in started)
    assert not any(str(password) in argument for argument in started)


def test_a_backup_without_secrets_holds_none(company: None, tmp_path: Path) -> None:
    manifest = back_up(tmp_path / "backup", False, silent)
    text = (tmp_path / "backup" / backup.MANIFEST).read_text()
    assert not manifest.holds_secrets
    assert not (tmp_path / "backup" / backup.SECRETS).exists()
    assert KEY not in text and "SCRAM-SHA-256" not in text
    assert all(password not in text for password in secrets.generated().values())


def test_the_key_that_was_left_out_is_asked_for_and_checked(
    company: None, elsewhere: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Path(shutil.copytree(made, tmp_path / "bare"))
    (bare / backup.SECRETS).unlink()
    files = json.loads((bare / backup.MANIFEST).read_text())["files"]
    _edit(bare, files={name: file for name, file in files.items() if name != backup.SECRETS})

    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(RestoreFailed, match="left out of the backup: give it as REVLOG_SECRET_CUSTOMER_KEY"):
        restore(bare, None, silent)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda question: "another key")
    with pytest.raises(RestoreFailed, match="hashed with another customer key"):
        restore(bare, None, silent)
    assert elsewhere not in _databases()
    monkeypatch.setattr(getpass, "getpass", lambda question: KEY)
    restore(bare, None, silent)
    assert secrets.known(secrets.CUSTOMER_KEY) == KEY
    assert _shown() == (1000, 500500)


def test_another_customer_key_stops_a_restore_before_it_begins(
    company: None, elsewhere: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVLOG_SECRET_CUSTOMER_KEY", "of another company")
    with pytest.raises(RestoreFailed, match="with another customer key than the one of this environment"):
        restore(made, None, silent)
    assert elsewhere not in _databases()


def _damaged_table(folder: Path) -> None:
    file = max((folder / backup.DATABASE).glob("*.gz"), key=lambda path: path.stat().st_size)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _lost_table(folder: Path) -> None:
    next((folder / backup.DATABASE).glob("*.gz")).unlink()


def _cut_manifest(folder: Path) -> None:
    path = folder / backup.MANIFEST
    path.write_text(path.read_text()[:500])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_damaged_table, r"\.dat\.gz is damaged: .* take another copy or backup"),
        (_lost_table, r"\.dat\.gz is missing: the backup is not whole"),
        (_cut_manifest, r"manifest\.json is damaged"),
        (lambda folder: (folder / backup.MANIFEST).unlink(), r"copy is no backup: manifest\.json"),
        (lambda folder: _edit(folder, format=2), "of format 2, this code reads format 1"),
        (lambda folder: _edit(folder, version="99.0"), r"of version 99\.0, .*restore it with 99\.0 or newer"),
        (lambda folder: _edit(folder, server_version=990000), "of PostgreSQL 99, the server of 18"),
        (lambda folder: _edit(folder, dumped_by=99), "dumped by PostgreSQL 99, this environment has 18"),
    ],
)  # fmt: skip
def test_what_can_not_be_restored_is_told_before_anything_changes(
    company: None, elsewhere: str, copy: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(copy)
    before = _databases()
    with pytest.raises(RestoreFailed, match=message) as failed:
        restore(copy, None, silent)
    assert str(failed.value).startswith("nothing was restored, and every database is as it was: ")
    assert _databases() == before


def test_a_warehouse_that_holds_something_is_replaced_only_by_name_and_put_aside(
    company: None, elsewhere: str, made: Path
) -> None:
    restore(made, None, silent)
    with connect("publisher") as connection:
        connection.execute("insert into marts.on_show values (5000)")
    with pytest.raises(RestoreFailed, match=rf"{elsewhere} holds something: .* REPLACE={elsewhere}"):
        restore(made, None, silent)
    with pytest.raises(RestoreFailed, match=f"is called {elsewhere}, not warehouse"):
        restore(made, "warehouse", silent)
    assert _shown() == (1001, 505500)

    with connect("bi_reader"):
        done = restore(made, elsewhere, silent)
    assert done.put_aside is not None and done.put_aside.startswith(f"{elsewhere}_until_")
    assert _shown() == (1000, 500500)
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute(f"alter database {done.put_aside} allow_connections true")
    with psycopg.connect(dsn("admin", done.put_aside)) as connection:
        assert connection.execute("select max(n) from marts.on_show").fetchone() == (5000,)


def test_a_warehouse_that_holds_nothing_is_replaced_without_a_word(
    company: None, elsewhere: str, made: Path
) -> None:
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {elsewhere}")
    secrets.keep({secrets.CUSTOMER_KEY: KEY})
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    before = _databases()
    assert restore(made, None, silent).put_aside is None
    assert _shown() == (1000, 500500)
    assert _databases() == before


def test_a_restore_that_fails_or_was_killed_leaves_what_was_there(
    company: None, elsewhere: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(made, None, silent)
    before = _databases()
    with monkeypatch.context() as patch, pytest.raises(RestoreFailed, match="no such role"):
        patch.setattr(undumped, "hand_over", _fail)
        restore(made, elsewhere, silent)
    assert _databases() == before
    assert _shown() == (1000, 500500)

    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {elsewhere}_restoring")
    restore(made, elsewhere, silent)
    assert f"{elsewhere}_restoring" not in _databases()


def _fail(*_: Any) -> None:
    raise psycopg.errors.UndefinedObject("no such role")


def test_a_night_keeps_a_warehouse_from_being_put_aside(
    company: None, elsewhere: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(made, None, silent)
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0.01")
    with _long_night(), pytest.raises(RestoreFailed, match="a long night"):
        restore(made, elsewhere, silent)
    assert _shown() == (1000, 500500)


def test_rows_that_are_not_as_many_as_counted_are_no_restore(
    company: None, elsewhere: str, copy: Path
) -> None:
    tables = json.loads((copy / backup.MANIFEST).read_text())["tables"]
    _edit(copy, tables=tables | {"marts.on_show": 999})
    with pytest.raises(RestoreFailed, match=r"marts\.on_show has 1000 rows, the backup said 999"):
        restore(copy, None, silent)
    assert elsewhere not in _databases()


def test_the_commands_say_what_was_done(
    company: None, elsewhere: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTING_CURRENCY", "GBP")
    restored = CliRunner().invoke(app, ["restore", "--from", str(made)])
    assert restored.exit_code == 0, restored.stderr
    assert "Set REPORTING_CURRENCY=EUR in .env, as it was: other figures come of GBP" in restored.stdout
    assert f"{elsewhere} is restored" in restored.stdout
    assert "restoring " in restored.stdout and "counting the rows" in restored.stdout
    again = CliRunner().invoke(app, ["restore", "--from", str(made)])
    assert (again.exit_code, "holds something" in again.stderr) == (1, True)
    backed_up = CliRunner().invoke(app, ["backup", "--to", str(tmp_path / "b"), "--no-secrets"])
    assert backed_up.exit_code == 0, backed_up.stderr
    assert "It holds no key and no password" in backed_up.stdout
    assert fingerprints("marts") == {"histories": (0, ""), "on_show": fingerprints("marts")["on_show"]}


def test_an_administrator_who_is_no_superuser_restores_on_a_server_of_his_own(
    company: None, made: Path, tmp_path: Path
) -> None:
    contents, had = fingerprints("raw", "ops", "marts"), _rights()
    with pytest.MonkeyPatch.context() as patch, own_server(patch, tmp_path / "server"):
        with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
            connection.execute("create role owner login createrole createdb password 'of owner'")
            connection.execute("create database warehouse owner owner encoding 'UTF8' template template0")
        theirs = make_conninfo(dsn("admin"), user="owner", password="of owner")
        patch.setenv("WAREHOUSE_DSN", theirs)
        patch.setenv("REVLOG_VAR", str(tmp_path / "owner"))
        refused = restore(made, None, silent).refused
        # Reserved connections are a superuser's to give; all else is the owner's.
        assert len(refused) == 7
        assert all(line.startswith('grant "pg_use_reserved_connections" to ') for line in refused)
        assert fingerprints("raw", "ops", "marts") == contents
        has = _rights()
        assert {kind: had[kind] ^ has[kind] for kind in KINDS} == {kind: set() for kind in KINDS}
        assert back_up(tmp_path / "again", True, silent).tables == backup.read_manifest(made).tables


def _rights() -> dict[str, set[tuple[Any, ...]]]:
    with psycopg.connect(dsn("admin")) as connection:
        return rights(connection)
