"""Publishing: readers see all of a night or none of it, and a killed publisher changes nothing."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from warehouse.connections import connect, dsn
from warehouse.publish import NothingBuilt, Published, publish
from warehouse.settings import ROOT

DATE = dt.date(2026, 1, 31)
TABLES = [Published("left_side", "marts", ("id",)), Published("right_side", "marts", ("id",))]
ROWS = 400


def _build(version: int) -> None:
    """Build two tables whose every row carries the same version."""
    with connect("transformer") as connection:
        for table in TABLES:
            connection.execute(f"drop table if exists build.{table.name}")
            connection.execute(
                f"create table build.{table.name} as"
                f" select id, {version} as version from generate_series(1, {ROWS}) as id"
            )
        connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status) values (%s, 0, 0, 'built')",
            [DATE],
        )


def test_without_a_finished_build_nothing_is_published(database: Path) -> None:
    with pytest.raises(NothingBuilt, match="run the build before publishing"):
        publish(DATE, TABLES)


def test_a_second_publication_of_the_same_build_does_nothing(database: Path) -> None:
    _build(1)
    assert publish(DATE, TABLES).is_new
    again = publish(DATE, TABLES)
    assert not again.is_new
    assert all(count == 0 for counts in again.tables.values() for count in counts.values())


def test_only_rows_that_differ_are_written(database: Path) -> None:
    _build(2)
    publish(DATE, TABLES)
    with connect("transformer") as connection:
        connection.execute("update build.left_side set version = 3 where id = 7")
        connection.execute("delete from build.left_side where id = 8")
    assert publish(DATE, TABLES).tables["marts.left_side"] == {"deleted": 2, "inserted": 1}


def test_a_changed_column_keeps_the_readers_grants(database: Path) -> None:
    _build(4)
    publish(DATE, TABLES)
    with connect("transformer") as connection:
        connection.execute("alter table build.left_side add column note text default 'x'")
        connection.execute("alter table build.left_side alter column version type bigint")
    publish(DATE, TABLES)
    with connect("bi_reader") as connection:
        row = connection.execute(
            "select note, pg_typeof(version)::text from marts.left_side limit 1"
        ).fetchone()
    assert row == ("x", "bigint")


def test_readers_never_see_a_mixed_or_empty_night(database: Path) -> None:
    _build(10)
    publish(DATE, TABLES)
    seen = _Readers(single=2, repeatable=2)
    with seen:
        for version in range(11, 31):
            _build(version)
            publish(DATE, TABLES)
        seen.wait_for(3_000)
    assert seen.errors == []
    assert seen.reads >= 3_000
    assert seen.mixed == 0
    assert len(seen.versions) > 5, "the readers must have read while nights were published"


def test_a_killed_publisher_leaves_the_night_before(database: Path) -> None:
    _build(50)
    publish(DATE, TABLES)
    _build(51)
    with connect("transformer") as blocker:
        # The publisher stops at its second table, having written its first.
        blocker.execute("lock table build.right_side in access exclusive mode")
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import datetime as dt\n"
                "from warehouse.publish import Published, publish\n"
                "publish(dt.date(2026, 1, 31), [Published('left_side', 'marts', ('id',)),"
                " Published('right_side', 'marts', ('id',))])",
            ],
            cwd=ROOT,
        )
        time.sleep(3)
        assert child.poll() is None, "the publisher must be waiting when it is killed"
        child.kill()
        child.wait()
    assert _versions() == {50}
    time.sleep(2)
    publish(DATE, TABLES)
    assert _versions() == {51}


def _versions() -> set[int]:
    with connect("bi_reader") as connection:
        rows = connection.execute(
            "select version from marts.left_side union select version from marts.right_side"
        )
        return {version for (version,) in rows}


class _Readers:
    """Looping readers: single statements over both tables, and two statements in one snapshot."""

    def __init__(self, single: int, repeatable: int) -> None:
        self.reads = self.mixed = 0
        self.versions: set[int] = set()
        self.errors: list[str] = []
        self.stop = threading.Event()
        self.lock = threading.Lock()
        kinds = [self._single] * single + [self._repeatable] * repeatable
        self.threads = [threading.Thread(target=self._loop, args=(kind,)) for kind in kinds]

    def __enter__(self) -> _Readers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def wait_for(self, reads: int) -> None:
        deadline = time.monotonic() + 60
        while self.reads < reads and time.monotonic() < deadline:
            time.sleep(0.05)

    def _loop(self, read: object) -> None:
        try:
            with psycopg.connect(dsn("bi_reader"), autocommit=True) as connection:
                while not self.stop.is_set():
                    found = read(connection)  # type: ignore[operator]
                    with self.lock:
                        self.reads += 1
                        self.versions |= found["versions"]
                        whole = found["rows"] == 2 * ROWS and len(found["versions"]) == 1
                        self.mixed += not whole
        except psycopg.Error as error:
            self.errors.append(str(error))

    def _single(self, connection: psycopg.Connection) -> dict[str, object]:
        rows = connection.execute(
            "select version, count(*) from (select version from marts.left_side"
            " union all select version from marts.right_side) as both_sides group by version"
        ).fetchall()
        return {"rows": sum(r[1] for r in rows), "versions": {r[0] for r in rows}}

    def _repeatable(self, connection: psycopg.Connection) -> dict[str, object]:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            left = connection.execute("select version from marts.left_side").fetchall()
            right = connection.execute("select version from marts.right_side").fetchall()
        rows = left + right
        return {"rows": len(rows), "versions": {r[0] for r in rows}}
