"""Back the warehouse up into one folder: all that can't be made again.

    manifest.json   what it is of and what it holds; restore reads it before it touches anything
    database/       pg_dump, in its directory format
    secrets.json    the customer key and the generated passwords, unless they are left out

Only its owner can open it. The dump is of one moment, and of no half night: it waits for a night's end, and
the next night for its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from pydantic import BaseModel, ValidationError

from revlog.companies.company import reporting_currency
from revlog.config import secrets
from revlog.config.refusal import Refusal
from revlog.config.secrets import CUSTOMER_KEY
from revlog.config.settings import SettingsError, code_version, settings
from revlog.database import full_disk, locks, programs, server, version
from revlog.database.connections import connect, dsn
from revlog.database.programs import ProgramFailed, Progress, Tell
from revlog.ingestion.customer_key import fingerprint
from revlog.maintenance import undumped
from revlog.maintenance.undumped import Undumped

FORMAT = 1
MANIFEST, DATABASE, SECRETS = "manifest.json", "database", "secrets.json"
MOST_JOBS = 4
# Half the time of pg_dump's own level for a third more bytes; nights wait for it.
COMPRESSION = "gzip:1"
# The embedded server's own: a fresh one has another.
NOT_CARRIED = {"postgres"}


class BackupFailed(RuntimeError):
    """There is no backup, and what was begun of it is gone; the message says why."""


# What can go wrong on the way, and has a message for people.
FAILURES = (ProgramFailed, OSError, psycopg.Error, Refusal, SettingsError)


class File(BaseModel):
    """Size and fingerprint of a file of the backup."""

    size: int
    sha256: str


class Publication(BaseModel):
    """What readers saw."""

    publication_id: int
    business_date: dt.date
    published_at: dt.datetime


class Manifest(BaseModel):
    """What a backup is of, and what it holds."""

    format: int
    made_at: dt.datetime
    version: str
    code_version: str
    database: str
    administrator: str
    server_version: int
    dumped_by: int
    encoding: str
    publication: Publication | None
    # Fingerprint of the customer key; None where the warehouse has no customers' rows yet.
    customer_key: str | None
    # What the figures hang on and the warehouse itself does not know.
    settings: dict[str, str]
    tables: dict[str, int]
    undumped: Undumped
    files: dict[str, File]

    @property
    def holds_secrets(self) -> bool:
        """True where the customer key and passwords are in the backup."""
        return SECRETS in self.files

    def __str__(self) -> str:
        shown = self.publication
        night = (
            f"publication {shown.publication_id} of {shown.business_date}" if shown else "nothing published"
        )
        rows = sum(self.tables.values())
        return (
            f"{self.database} of {self.made_at:%Y-%m-%d %H:%M} UTC: {night}, {len(self.tables)} tables,"
            f" {rows:,} rows, version {self.version}"
        )


def back_up(to: Path, with_secrets: bool, tell: Tell) -> Manifest:
    """Write a backup into the new folder `to`, all of it or nothing. Raises BackupFailed."""
    if to.exists():
        raise BackupFailed(f"{to} is there already; name a new folder for each backup: TO={to}-2")
    partial = to.with_name(f"{to.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        manifest = _write(partial, with_secrets, tell)
        partial.rename(to)
    except FAILURES as error:
        raise BackupFailed(_why(error, to)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _why(error: Exception, to: Path) -> str:
    said = str(error).strip()
    if full_disk.is_full(error):
        return f"the disk of {to.parent} is full: free space, or name another place; no file is left. {said}"
    return f"no backup was made: {said}"


def _write(folder: Path, with_secrets: bool, tell: Tell) -> Manifest:
    if settings().warehouse_dsn is None:
        if not server.exists():
            raise BackupFailed(f"there is no warehouse in {settings().var}: nothing to back up")
        server.start()
    with connect("admin") as connection, alone(connection, "a backup", tell):
        connection.rollback()
        connection.execute("set transaction isolation level repeatable read, read only")
        locks.let_last(connection)
        found = version.of_database(connection)
        if found is None:
            raise BackupFailed(f"{connection.info.dbname} holds no warehouse: there is nothing to back up")
        _must_be_readable(connection)
        kept = _kept_secrets(connection, with_secrets)
        if kept:
            _write_new(folder / SECRETS, json.dumps(kept, indent=1))
        tables = _count(connection, tell)
        _dump(connection, folder / DATABASE, len(tables), tell)
        manifest = Manifest(
            format=FORMAT,
            made_at=dt.datetime.now(dt.UTC),
            version=str(found),
            code_version=code_version(),
            database=connection.info.dbname,
            administrator=connection.info.user,
            server_version=connection.info.server_version,
            dumped_by=programs.major("pg_dump"),
            encoding=_one(connection, "show server_encoding"),
            publication=_publication(connection),
            customer_key=_fingerprint_in_warehouse(connection) or _fingerprint_at_hand(),
            settings=settings_of_figures(),
            tables=tables,
            undumped=undumped.read(connection, with_secrets),
            files=fingerprints(folder),
        )
    _write_new(folder / MANIFEST, manifest.model_dump_json(indent=1))
    return manifest


def _must_be_readable(connection: psycopg.Connection[Any]) -> None:
    server_major, ours = connection.info.server_version // 10000, programs.major("pg_dump")
    if server_major > ours:
        raise BackupFailed(
            f"the server is PostgreSQL {server_major}, the pg_dump of this environment is {ours} and can't"
            " read it: newer code brings a newer one; until then use the server's own pg_dump"
        )


@contextmanager
def alone(connection: psycopg.Connection[Any], purpose: str, tell: Tell) -> Iterator[None]:
    """Keep nights and closes of the connection's warehouse away; 0.1.0 knew no such lock. Raises Busy."""
    if _one(connection, "select to_regclass('locks.night') is null") == "True":
        yield
        return
    with locks.hold(locks.NIGHT, "admin", f"{purpose}, process {os.getpid()}", tell=tell):
        yield


def _kept_secrets(connection: psycopg.Connection[Any], with_secrets: bool) -> dict[str, str]:
    """The customer key, wherever it comes from, and what was generated here. Raises BackupFailed for another
    key than the warehouse's: restored with it, customers' old and new rows would not join."""
    if not with_secrets:
        return {}
    kept = {name: value for name, value in secrets.generated().items() if name not in NOT_CARRIED}
    if key := secrets.known(CUSTOMER_KEY):
        kept[CUSTOMER_KEY] = key
    wanted = _fingerprint_in_warehouse(connection)
    if wanted and wanted != (fingerprint(key.encode()) if key else None):
        raise BackupFailed(
            f"the customer key at hand is {'not that of the warehouse' if key else 'missing'}: set"
            " REVLOG_SECRET_CUSTOMER_KEY to the right one, or leave key and passwords out: SECRETS=no"
        )
    return kept


def _fingerprint_at_hand() -> str | None:
    key = secrets.known(CUSTOMER_KEY)
    return fingerprint(key.encode()) if key else None


def _fingerprint_in_warehouse(connection: psycopg.Connection[Any]) -> str | None:
    if _one(connection, "select to_regclass('ops.customer_key') is null") == "True":
        return None
    row = connection.execute("select fingerprint from ops.customer_key").fetchone()
    return str(row[0]) if row else None


def _count(connection: psycopg.Connection[Any], tell: Tell) -> dict[str, int]:
    names = tables_of(connection)
    tell(f"counting the rows of {len(names)} tables")
    progress = Progress(len(names), "tables", tell)
    counts = {}
    for schema, table in names:
        counts[f"{schema}.{table}"] = count_of(connection, schema, table)
        progress.step()
    return counts


def tables_of(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Schema and name of every table of the database, PostgreSQL's own aside."""
    return connection.execute(
        "select n.nspname::text, c.relname::text from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and c.relpersistence <> 't'"
        "   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2"
    ).fetchall()


def count_of(connection: psycopg.Connection[Any], schema: str, table: str) -> int:
    """Rows of a table."""
    row = connection.execute(
        sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    ).fetchone()
    assert row is not None
    return int(row[0])


def _dump(connection: psycopg.Connection[Any], folder: Path, tables: int, tell: Tell) -> None:
    """Dump what the connection's transaction sees."""
    snapshot = _one(connection, "select pg_export_snapshot()")
    tell(f"dumping {tables} tables")
    progress = Progress(tables, "tables", tell)
    programs.run(
        "pg_dump",
        dsn("admin"),
        "--format=directory",
        f"--file={folder}",
        f"--jobs={jobs()}",
        f"--snapshot={snapshot}",
        f"--compress={COMPRESSION}",
        "--verbose",
        on_line=lambda line: progress.step() if "dumping contents of table" in line else None,
    )


def settings_of_figures() -> dict[str, str]:
    """Settings that a restored warehouse must find again, lest the next night computes other figures."""
    given = settings()
    return {"COMPANY": given.company, "REPORTING_CURRENCY": reporting_currency()}


def jobs() -> int:
    """Tables dumped or restored side by side."""
    return min(MOST_JOBS, os.cpu_count() or 1)


def fingerprints(folder: Path) -> dict[str, File]:
    """Size and SHA-256 of every file below `folder` but the manifest, by path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {str(path.relative_to(folder)): fingerprint_of(path) for path in files}


def fingerprint_of(path: Path) -> File:
    """Size and SHA-256 of one file."""
    with path.open("rb") as file:
        return File(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def read_manifest(folder: Path) -> Manifest:
    """Read what a backup says of itself; raises ValueError where it is none, or none of this format."""
    try:
        text = (folder / MANIFEST).read_text()
        said = json.loads(text).get("format")
        if said != FORMAT:
            raise ValueError(f"{folder} is a backup of format {said}, this code reads format {FORMAT}")
        return Manifest.model_validate_json(text)
    except OSError as error:
        raise ValueError(f"{folder} is no backup: {MANIFEST} can't be read ({error.strerror})") from error
    except (ValidationError, json.JSONDecodeError, AttributeError) as error:
        raise ValueError(f"{folder / MANIFEST} is damaged; take another backup") from error


def _publication(connection: psycopg.Connection[Any]) -> Publication | None:
    row = connection.execute(
        "select publication_id, business_date, published_at from ops.publications"
        " order by publication_id desc limit 1"
    ).fetchone()
    return Publication(publication_id=row[0], business_date=row[1], published_at=row[2]) if row else None


def _one(connection: psycopg.Connection[Any], query: str) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
