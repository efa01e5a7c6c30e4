"""A disk that fills while a file loads: a clear failure, nothing half loaded, and well once there is room."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from revlog.database import server
from revlog.database.connections import connect, dsn
from revlog.night import stages
from revlog.night.errors import ConnectionBroken

DATE = "2026-02-01"
TABLE = "raw.crm_customers"
HEADER = "customer_id,name,email,phone,country,segment,created_at,merged_into,marketing_consent"
ROWS = 60_000


@pytest.fixture()
def small_disk(fresh_database: Path) -> Iterator[Path]:
    """A file system of a few megabytes that holds the table; yields where it is mounted."""
    folder = Path(tempfile.mkdtemp(prefix="reverse-logistics-disk-"))
    if shutil.which("mount") is None or _mount(folder, "size=6m").returncode:
        folder.rmdir()
        pytest.skip("mounting a small file system needs root")
    shutil.chown(folder, server._user() or "root")
    try:
        with psycopg.connect(dsn("admin"), autocommit=True) as connection:
            connection.execute(f"create tablespace small_disk location '{folder}'")
            connection.execute(f"alter table {TABLE} set tablespace small_disk")
        yield folder
        with psycopg.connect(dsn("admin"), autocommit=True) as connection:
            connection.execute(f"alter table {TABLE} set tablespace pg_default")
            connection.execute("drop tablespace small_disk")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def _mount(folder: Path, options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )


def _customers(landing: Path) -> None:
    folder = landing / "crm"
    folder.mkdir()
    lines = [f"C{n},Name,c{n}@example.org,+49 1,DE,consumer,2025-01-01 00:00:00,,yes" for n in range(ROWS)]
    (folder / "crm_customers_20260201.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    (folder / "crm_customers_20260201.csv.done").touch()


def _count(table: str) -> int:
    with connect("auditor") as connection:
        row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else -1


def test_a_page_of_which_half_was_written_is_a_full_disk_too(small_disk: Path, fresh_database: Path) -> None:
    """A disk of an odd number of half pages; what is built anew in bulk is written page by page."""
    assert _mount(small_disk, "remount,size=2052k").returncode == 0
    with (
        pytest.raises(ConnectionBroken, match=r"disk is full; free space there.*wrote only 4096 of 8192"),
        stages.translated(),
        psycopg.connect(dsn("admin"), autocommit=True) as connection,
    ):
        connection.execute("create table numbers as select n from generate_series(1, 300000) as n")
        connection.execute("create index on numbers (n) tablespace small_disk")
    with psycopg.connect(dsn("admin"), autocommit=True) as connection:
        connection.execute("drop table numbers")


def test_a_full_disk_fails_clearly_loses_nothing_and_recovers(small_disk: Path, fresh_database: Path) -> None:
    _customers(fresh_database)
    with pytest.raises(ConnectionBroken, match="disk is full; free space there"):
        stages.ingest("crm_customers", DATE)
    assert (_count(TABLE), _count("ops.file_ledger"), _count("ops.quarantine")) == (0, 0, 0)

    assert _mount(small_disk, "remount,size=200m").returncode == 0
    stages.ingest("crm_customers", DATE)
    assert (_count(TABLE), _count("ops.file_ledger")) == (ROWS, 1)
