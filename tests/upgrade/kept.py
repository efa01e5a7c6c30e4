"""The warehouse that 0.1.0 built, as `data/` keeps it, and what a warehouse says of itself."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.config.settings import ROOT, process_environment
from revlog.database import server
from revlog.database.connections import dsn
from tests.tables import RUN_COLUMNS
from tests.upgrade.told_otherwise import Change

DATA = Path(__file__).parent / "data"
KEY = "key-of-the-kept-warehouse"
NIGHT = "2026-02-04"
# Roles that 0.1.0 knew.
ROLES = ("loader", "transformer", "publisher", "bi_reader", "finance_reader", "auditor")
# Rows of kpi_daily that readers saw after each night, as 0.1.0 counted them.
NIGHTS = {"2026-01-31": 3874, "2026-02-01": 3910, "2026-02-02": 4035, "2026-02-03": 4098}
CLOSED = ("2025-10", "2025-11", "2025-12", "2026-01")
# Large, and views of kpi_cells__history.
OF_HISTORY = ("marts.kpi_changes", "marts.kpi_daily_history")

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Said:
    """What a warehouse says: its published rows, each past night's KPIs, closed periods, row counts."""

    published: Rows
    nights: dict[str, Counter[str]]
    reported: list[str]
    counts: dict[str, int]


@contextmanager
def own_server(patch: pytest.MonkeyPatch, var: Path, started: bool = True) -> Iterator[None]:
    """An embedded server that nobody else uses, while the settings name it."""
    patch.setenv("REVLOG_VAR", str(var))
    patch.setenv("REVLOG_PORT", "0")
    patch.setenv("REVLOG_DATABASE", "warehouse")
    for name in ("WAREHOUSE_DSN", "BUSINESS_DATE", "REPORTING_CURRENCY", "COMPANY"):
        patch.setenv(name, "")
    try:
        if started:
            server.start()
        yield
    finally:
        patch.setenv("REVLOG_VAR", str(var))
        patch.setenv("WAREHOUSE_DSN", "")
        server.destroy()


def land(folder: Path) -> Path:
    """Put the files of the next night into the landing zone `folder`."""
    with tarfile.open(DATA / f"landing-{NIGHT}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def restore_dump(file: Path) -> None:
    """Let psql read the kept dump, by way of `file`, into a new database of the settings' name."""
    file.write_bytes(lzma.decompress((DATA / "warehouse-0.1.0.sql.xz").read_bytes()))
    address = psycopg.conninfo.conninfo_to_dict(dsn("admin"))
    with psycopg.connect(dsn("admin", "postgres"), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"create role {role} login")
        connection.execute(f"create database {address['dbname']} template template0")
    psql = [str(server._binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
    psql += ["-h", str(address["host"]), "-p", str(address["port"]), "-U", str(address["user"])]
    run([*psql, str(address["dbname"])], os.environ | {"PGPASSWORD": str(address["password"])})


def python(*arguments: str) -> str:
    """Run a command of the project; returns what it prints, and fails with it where it fails."""
    return run([sys.executable, *arguments], process_environment())


def run(command: list[str], environment: dict[str, str]) -> str:
    """Run a command; returns what it prints, and fails with it where it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def said() -> Said:
    """What the warehouse of the settings says."""
    with psycopg.connect(dsn("admin")) as connection:
        published = {
            name: [_row(text) for text in _texts(connection, f"select row_to_json(t)::text from {name} as t")]
            for name in relations(connection, ["marts", "finance"], "rvm")
            if name not in OF_HISTORY
        }
        nights = {
            night: Counter(_texts(connection, f"select t::text from marts.kpi_daily_as_of('{night}') as t"))
            for night in NIGHTS
        }
        # Where a line stands among the others is no part of what was reported.
        reported = _texts(
            connection,
            "select (to_jsonb(t) - 'position')::text from finance.refund_proof_as_reported as t"
            f" where t.period in {CLOSED} order by 1",
        )
        counts = {
            name: int(_texts(connection, f"select count(*)::text from {name}")[0])
            for name in relations(connection, ["raw", "ops"], "r")
        }
    return Said(published, nights, reported, counts)


def said_by_0_1_0() -> Rows:
    """What 0.1.0 published after the next night."""
    found: Rows = defaultdict(list)
    for line in lzma.decompress((DATA / f"published-{NIGHT}.jsonl.xz").read_bytes()).decode().splitlines():
        name, text = line.split(" ", 1)
        found[name].append(_row(text))
    return found


def relations(connection: psycopg.Connection[Any], schemas: list[str], kinds: str) -> list[str]:
    """Names of the relations of `schemas` that are of one of `kinds`, as pg_class calls them."""
    found = connection.execute(
        "select n.nspname || '.' || quote_ident(c.relname) from pg_class as c"
        " inner join pg_namespace as n on n.oid = c.relnamespace"
        " where n.nspname = any(%s) and c.relkind = any(%s) order by 1",
        [schemas, list(kinds)],
    )
    return [name for (name,) in found]


def assert_nothing_lost(expected: Rows, found: Rows, changes: Collection[Change] = ()) -> None:
    """Every table has its rows as expected, in the columns that were expected.

    New columns don't count, nor do rows that one of `changes` excuses.
    """
    told = [line for name in expected for line in _difference(name, expected[name], found.get(name), changes)]
    assert not told, "\n".join(told)


def _difference(
    name: str, rows: list[dict[str, Any]], found: list[dict[str, Any]] | None, changes: Collection[Change]
) -> Iterator[str]:
    if found is None:
        yield f"{name} is gone; it had {len(rows)} rows"
        return
    not_compared = set(RUN_COLUMNS).union(*(change.columns.get(name, ()) for change in changes))
    columns = rows[0].keys() - not_compared if rows else set()
    if found and (gone := columns - found[0].keys()):
        yield f"{name} has lost its columns {sorted(gone)}"
        return
    was, now = _counted(rows, columns), _counted(found, columns)
    lost, new = (_not_excused(name, rows, changes) for rows in (was - now, now - was))
    if lost or new:
        yield (
            f"{name}: {lost.total()} rows lost, {new.total()} new, such as"
            f"\n  lost {next(iter(lost), 'none')}\n  new  {next(iter(new), 'none')}"
        )


def _not_excused(name: str, rows: Counter[str], changes: Collection[Change]) -> Counter[str]:
    kept = {row: n for row, n in rows.items() if not any(c.excuses(name, json.loads(row)) for c in changes)}
    return Counter(kept)


def _counted(rows: list[dict[str, Any]], columns: set[str]) -> Counter[str]:
    return Counter(json.dumps({c: row[c] for c in sorted(columns)}, default=str) for row in rows)


def _texts(connection: psycopg.Connection[Any], query: str) -> list[str]:
    return [text for (text,) in connection.execute(query)]


def _row(text: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return row
