"""Restore a backup: beside what is there, under another name until it is whole, then at once in its place.

Nothing is overwritten. A warehouse that holds something is put aside, and only where the caller names it;
whatever fails before leaves every database as it was.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from packaging.version import Version
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from revlog.config import secrets
from revlog.config.secrets import CUSTOMER_KEY
from revlog.config.settings import settings
from revlog.database import full_disk, programs, server, version
from revlog.database.connections import dsn
from revlog.database.programs import Progress, Tell
from revlog.ingestion.customer_key import fingerprint
from revlog.maintenance import backup, migrate, undumped
from revlog.maintenance.backup import DATABASE, SECRETS, Manifest

Connection = psycopg.Connection[Any]
# What an upgrade writes into a warehouse that holds nothing.
WRITTEN_BY_UPGRADES = {"ops.versions", "ops.customer_key"}
# Rights on PostgreSQL's own functions, which only a superuser may change; an upgrade does where it may.
OF_SUPERUSERS = re.compile(r"^\d+; \d+ \d+ ACL pg_catalog ")
TABLE_DONE = re.compile(r"processing data for table|finished item \d+ TABLE DATA")
SECONDS_TO_END = 30


class RestoreFailed(RuntimeError):
    """Nothing was restored, and every database is as it was; the message says why, and what to do."""


class UpgradeFailed(RuntimeError):
    """The backup is restored as it was, but not upgraded to this code."""


@dataclass(frozen=True)
class Restored:
    """What was restored, and what is left for people to do."""

    manifest: Manifest
    database: str
    put_aside: str | None
    # Logins of people that need a password, and statements that the administrator may not run.
    without_password: list[str]
    refused: list[str]

    def told(self) -> list[str]:
        """What was done and what is left to do, in lines for people."""
        shown, here = self.manifest.publication, backup.settings_of_figures()
        lines = [f"{self.database} is restored" + (f"; readers see {shown.business_date}" if shown else "")]
        if self.put_aside:
            lines.append(
                f"What was there is the database {self.put_aside}; when it is needed no more: drop database"
                f' "{self.put_aside}"'
            )
        lines += [
            f"Set {name}={value} in .env, as it was: other figures come of {here[name]}"
            for name, value in self.manifest.settings.items()
            if name in here and value != here[name]
        ]
        lines += [f"Needs a password: alter role {name} password '…'" for name in self.without_password]
        lines += [f"Only a superuser may do this, if you want it: {line};" for line in self.refused]
        lines.append(
            "Workbooks and pages come with the next night; a closed period's: make workbook PERIOD=…"
        )
        return lines


def restore(folder: Path, replace: str | None, tell: Tell) -> Restored:
    """Restore the backup in `folder` as the warehouse of the settings, and upgrade it to this code.

    `replace` names the database that may be put aside where it holds something. Raises RestoreFailed,
    or UpgradeFailed.
    """
    try:
        manifest = backup.read_manifest(folder)
        tell(f"the backup: {manifest}")
        _check_versions(manifest)
        _check_files(folder, manifest, tell)
        kept = _secrets(folder, manifest)
        done = _restore(folder, manifest, kept, replace, tell)
    except (ValueError, *backup.FAILURES) as error:
        raise RestoreFailed(_why(error)) from error
    tell(f"upgrading to version {version.of_code()}")
    try:
        tell(migrate.upgrade())
    except Exception as error:
        raise UpgradeFailed(
            f"{done.database} is restored, as version {manifest.version}, but its upgrade failed: {error}."
            " Mend that, then: make upgrade"
        ) from error
    return done


def _why(error: Exception) -> str:
    said = str(error).strip()
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        said += ". The administrator of WAREHOUSE_DSN makes a database here: alter role … createdb createrole"
    if full_disk.is_full(error):
        said = f"the disk of the database server is full: free space there, then restore again. {said}"
    return f"nothing was restored, and every database is as it was: {said}"


def _check_versions(manifest: Manifest) -> None:
    if Version(manifest.version) > version.of_code():
        raise ValueError(
            f"the backup is of a warehouse of version {manifest.version}, this code of {version.of_code()};"
            f" restore it with {manifest.version} or newer"
        )
    if manifest.dumped_by > (ours := programs.major("pg_restore")):
        raise ValueError(
            f"the backup was dumped by PostgreSQL {manifest.dumped_by}, this environment has {ours}: restore"
            " it with newer code"
        )


def _check_files(folder: Path, manifest: Manifest, tell: Tell) -> None:
    tell(f"checking {len(manifest.files)} files")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.exists():
            raise ValueError(f"{path} is missing: the backup is not whole; take another copy or backup")
        if backup.fingerprint_of(path) != expected:
            raise ValueError(f"{path} is damaged: it is not what was written; take another copy or backup")


def _secrets(folder: Path, manifest: Manifest) -> dict[str, str]:
    """What the backup keeps, with the customer key, which is asked for where it was left out."""
    kept: dict[str, str] = json.loads((folder / SECRETS).read_text()) if manifest.holds_secrets else {}
    if manifest.customer_key is None:
        return kept
    here = secrets.known(CUSTOMER_KEY)
    key = here or kept.get(CUSTOMER_KEY) or _asked_key()
    if fingerprint(key.encode()) != manifest.customer_key:
        where = f"the one of this environment (or {secrets.secrets_file()})" if here else "the one given"
        raise ValueError(
            f"the backup's customers were hashed with another customer key than {where}: new rows of a"
            " customer would not join the old ones. Give the right one as REVLOG_SECRET_CUSTOMER_KEY, or"
            " restore with a folder of its own: REVLOG_VAR=…. A key that was generated here and that no"
            f" warehouse with rows needs may be taken out of {secrets.secrets_file()}"
        )
    return {**kept, CUSTOMER_KEY: key}


def _asked_key() -> str:
    if not sys.stdin.isatty():
        raise ValueError(
            "the customer key was left out of the backup: give it as REVLOG_SECRET_CUSTOMER_KEY, in the"
            " environment or .env"
        )
    return getpass.getpass("The customer key, which was left out of the backup: ")


def _restore(
    folder: Path, manifest: Manifest, kept: dict[str, str], replace: str | None, tell: Tell
) -> Restored:
    if settings().warehouse_dsn is None:
        server.start()
    name = str(conninfo_to_dict(dsn("admin"))["dbname"])
    beside = f"{name}_restoring"
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        _check_server(connection, manifest)
        held = _check_target(connection, name, replace)
        secrets.keep(kept)
        migrate.create_roles(connection)
        without_password = undumped.create_logins(connection, manifest.undumped)
        refused = undumped.join_roles(connection, manifest.undumped)
        _create(connection, beside, manifest.encoding)
        try:
            with _nights_away(name, held, tell):
                _load(folder, manifest, beside, tell)
                refused += _finish(manifest, beside, tell)
            put_aside = _take_place(connection, name, beside, held)
        except BaseException:
            with suppress(psycopg.Error):
                _drop(connection, beside)
            raise
    return Restored(manifest, name, put_aside, without_password, refused)


def _check_server(connection: Connection, manifest: Manifest) -> None:
    here, there = connection.info.server_version // 10000, manifest.server_version // 10000
    if here < there:
        raise ValueError(
            f"the backup is of PostgreSQL {there}, the server of {here}: restore into {there} or newer"
        )


def _check_target(connection: Connection, name: str, replace: str | None) -> bool:
    """True where there is a warehouse that holds something, and that may be put aside."""
    if replace not in (None, name):
        raise ValueError(
            f"the warehouse here is called {name}, not {replace}: REPLACE={name}, if you mean it"
        )
    held = _tables_with_rows(name) if _exists(connection, name) else []
    if held and not replace:
        raise ValueError(
            f"{name} holds something: {len(held)} tables have rows, such as {held[0]}. To put it aside and"
            f" restore in its place: REPLACE={name}"
        )
    return bool(held)


def _exists(connection: Connection, name: str) -> bool:
    found = connection.execute("select from pg_database where datname = %s", [name])
    return found.fetchone() is not None


def _tables_with_rows(name: str) -> list[str]:
    with psycopg.connect(dsn("admin", name)) as connection:
        return [
            f"{schema}.{table}"
            for schema, table in backup.tables_of(connection)
            if f"{schema}.{table}" not in WRITTEN_BY_UPGRADES and _has_rows(connection, schema, table)
        ]


def _has_rows(connection: Connection, schema: str, table: str) -> bool:
    statement = sql.SQL("select from {} limit 1").format(sql.Identifier(schema, table))
    return connection.execute(statement).fetchone() is not None


@contextmanager
def _nights_away(name: str, held: bool, tell: Tell) -> Iterator[None]:
    """Let no night begin on the warehouse that is about to be put aside."""
    if not held:
        yield
        return
    with psycopg.connect(dsn("admin", name)) as connection, backup.alone(connection, "a restore", tell):
        yield


def _create(connection: Connection, beside: str, encoding: str) -> None:
    """Make the database that is restored into, closed to all but its administrator. One that a restore left
    that was killed goes first."""
    _drop(connection, beside)
    connection.execute(
        sql.SQL("create database {} template template0 encoding {}").format(sql.Identifier(beside), encoding)
    )
    connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(beside)))


def _drop(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _load(folder: Path, manifest: Manifest, beside: str, tell: Tell) -> None:
    contents = programs.output("pg_restore", "--list", str(folder / DATABASE)).splitlines(keepends=True)
    tell(f"restoring {len(manifest.tables)} tables")
    progress = Progress(len(manifest.tables), "tables", tell)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        wanted.writelines(line for line in contents if _is_restored(line, manifest.administrator))
        wanted.flush()
        programs.run(
            "pg_restore",
            dsn("admin", beside),
            # Owners are named anew: the administrator may be another one here.
            "--no-owner",
            "--exit-on-error",
            f"--use-list={wanted.name}",
            f"--jobs={backup.jobs()}",
            "--verbose",
            str(folder / DATABASE),
            on_line=lambda line: progress.step() if TABLE_DONE.search(line) else None,
        )


def _is_restored(line: str, administrator: str) -> bool:
    """Whether a line of pg_restore's list is wanted. An upgrade grants by default what an administrator of
    another name had granted."""
    of_another = conninfo_to_dict(dsn("admin")).get("user") != administrator
    is_default_of_his = " DEFAULT ACL " in line and line.rstrip().endswith(f" {administrator}")
    return not OF_SUPERUSERS.match(line) and not (is_default_of_his and of_another)


def _finish(manifest: Manifest, beside: str, tell: Tell) -> list[str]:
    """Owners, settings and statistics; every row counted. Returns what this administrator may not do."""
    with psycopg.connect(dsn("admin", beside), autocommit=True) as connection:
        undumped.hand_over(connection, manifest.undumped)
        tell("counting the rows")
        counted = {f"{s}.{t}": backup.count_of(connection, s, t) for s, t in backup.tables_of(connection)}
        if counted != manifest.tables:
            name = next(iter(sorted(set(counted.items()) ^ set(manifest.tables.items()))))[0]
            raise ValueError(
                f"{name} has {counted.get(name)} rows, the backup said {manifest.tables.get(name)}"
            )
        connection.execute("analyze")
        refused = undumped.apply_settings(connection, manifest.undumped)
        return refused + undumped.grant_database(connection, manifest.undumped)


def _take_place(connection: Connection, name: str, beside: str, held: bool) -> str | None:
    """Give the restored database its name; returns the one that the database before it has from now on."""
    if not held:
        _drop(connection, name)
        _rename(connection, beside, name)
        return None
    aside = f"{name}_until_{dt.datetime.now(dt.UTC):%Y%m%d_%H%M%S}"
    _allow_connections(connection, name, False)
    try:
        connection.execute(
            "select pg_terminate_backend(pid, %s) from pg_stat_activity where datname = %s",
            [1000 * SECONDS_TO_END, name],
        )
        with connection.transaction():
            _rename(connection, name, aside)
            _rename(connection, beside, name)
    except psycopg.Error:
        _allow_connections(connection, name, True)
        raise
    return aside


def _rename(connection: Connection, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("alter database {} rename to {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _allow_connections(connection: Connection, name: str, allowed: bool) -> None:
    connection.execute(
        sql.SQL("alter database {} allow_connections {}").format(sql.Identifier(name), sql.Literal(allowed))
    )
