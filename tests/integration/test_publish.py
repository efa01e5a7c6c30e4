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
from typer.testing import CliRunner

from revlog.builds.published import Published
from revlog.commands.warehouse import app
from revlog.config.settings import ROOT
from revlog.database.connections import connect, dsn
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.publication.publish import NotPublished, publish
from revlog.transform import tables
from tests.nights import finished_build

DATE = dt.date(2026, 1, 31)
TABLES = [Published("left_side", "marts", ("id",)), Published("right_side", "marts", ("id",))]
ROWS = 400
# Tables of rows and of the night, and the view that shows the night on every row.
STAMPED = [
    Published("shelf", "marts", ("id",), logs_changes=True),
    Published("night", "marts", ("business_date",)),
    Published("dated_shelf", "marts", ("id",), is_view=True),
]


def _build(version: int) -> int:
    """Build two tables whose every row carries the same version; returns the build."""
    with connect("transformer") as connection:
        for table in TABLES:
            connection.execute(f"drop table if exists build.{table.name}")
            connection.execute(
                f"create table build.{table.name} as"
                f" select id, {version} as version from generate_series(1, {ROWS}) as id"
            )
    return finished_build(DATE)


def test_a_second_publication_of_the_same_build_does_nothing(database: Path) -> None:
    build = _build(1)
    assert publish(build, TABLES).is_new
    again = publish(build, TABLES)
    assert not again.is_new
    assert all(count == 0 for counts in again.tables.values() for count in counts.values())


def test_only_rows_that_differ_are_written(database: Path) -> None:
    build = _build(2)
    publish(build, TABLES)
    with connect("transformer") as connection:
        connection.execute("update build.left_side set version = 3 where id = 7")
        connection.execute("delete from build.left_side where id = 8")
    assert publish(build, TABLES).tables["marts.left_side"] == {"deleted": 2, "inserted": 1}


def test_a_changed_column_keeps_the_readers_grants(database: Path) -> None:
    build = _build(4)
    publish(build, TABLES)
    with connect("transformer") as connection:
        connection.execute("alter table build.left_side add column note text default 'x'")
        connection.execute("alter table build.left_side alter column version type bigint")
    publish(build, TABLES)
    with connect("bi_reader") as connection:
        row = connection.execute(
            "select note, pg_typeof(version)::text from marts.left_side limit 1"
        ).fetchone()
    assert row == ("x", "bigint")


def test_a_description_that_changes_reaches_a_table_that_stays_as_it_is(database: Path) -> None:
    publish(_build(5), TABLES)
    build = _build(6)
    with connect("transformer") as connection:
        connection.execute("comment on table build.left_side is 'What stands on the left.'")
        connection.execute("comment on column build.left_side.version is 'Not additive.'")
    publish(build, TABLES)
    with connect("bi_reader") as connection:
        told = connection.execute(
            "select obj_description(oid, 'pg_class'), col_description(oid, 1), col_description(oid, 2)"
            " from pg_class where oid = 'marts.left_side'::regclass"
        ).fetchone()
    assert told == ("What stands on the left.", None, "Not additive.")


def _build_shelf(version: int, changed: list[int], full: bool = False) -> int:
    """Build rows of which only `changed` carry the version, log them, and let the night's date pass."""
    build = finished_build(DATE, full)
    with connect("transformer") as connection:
        connection.execute("create table if not exists build.shelf (id int primary key, version int)")
        connection.execute("create table if not exists build.shelf__changes (id int, build_id bigint)")
        connection.execute("create table if not exists build.night (business_date date primary key)")
        connection.execute(
            "create or replace view build.dated_shelf as"
            " select s.id, s.version, n.business_date from build.shelf as s cross join build.night as n"
        )
        connection.execute(
            "insert into build.shelf select id, %s from unnest(%s::int[]) as id"
            " on conflict (id) do update set version = excluded.version",
            [version, changed],
        )
        connection.execute(
            "insert into build.shelf__changes select id, %s from unnest(%s::int[]) as id", [build, changed]
        )
        connection.execute("delete from build.night")
        connection.execute("insert into build.night values (date '2026-01-01' + %s)", [version])
    return build


def test_a_view_shows_the_published_tables_and_not_the_built_ones(database: Path) -> None:
    publish(_build_shelf(1, [1, 2, 3]), STAMPED)
    build = _build_shelf(2, [2])
    assert _shelf() == {(1, 1, "2026-01-02"), (2, 1, "2026-01-02"), (3, 1, "2026-01-02")}
    counts = publish(build, STAMPED).tables
    assert counts == {
        "marts.shelf": {"deleted": 1, "inserted": 1},
        "marts.night": {"deleted": 1, "inserted": 1},
    }
    assert _shelf() == {(1, 1, "2026-01-03"), (2, 2, "2026-01-03"), (3, 1, "2026-01-03")}


def test_only_keys_in_the_log_are_compared_until_a_full_build(database: Path) -> None:
    build = _build_shelf(3, [3])
    with connect("transformer") as connection:
        connection.execute("update build.shelf set version = 99 where id = 1")
    publish(build, STAMPED)
    assert {(1, 1), (3, 3)} <= {(id_, version) for id_, version, _ in _shelf()}
    publish(_build_shelf(4, [], full=True), STAMPED)
    assert (1, 99, "2026-01-05") in _shelf()


def test_keys_of_builds_that_were_not_published_are_published_with_the_next(database: Path) -> None:
    _build_shelf(5, [1])
    publish(_build_shelf(6, [2]), STAMPED)
    assert {(1, 5), (2, 6)} <= {(id_, version) for id_, version, _ in _shelf()}


def test_a_row_that_vanished_goes_by_the_log(database: Path) -> None:
    publish(_build_shelf(7, [4]), STAMPED)
    build = _build_shelf(8, [4])
    with connect("transformer") as connection:
        connection.execute("delete from build.shelf where id = 4")
    publish(build, STAMPED)
    assert {id_ for id_, _, _ in _shelf()} == {1, 2, 3}


def test_a_column_below_a_view_may_change(database: Path) -> None:
    _build_shelf(9, [1])
    with connect("transformer") as connection:
        connection.execute("drop view build.dated_shelf")
        connection.execute("alter table build.shelf alter column version type bigint")
    publish(_build_shelf(10, [1]), STAMPED)
    with connect("bi_reader") as connection:
        row = connection.execute(
            "select pg_typeof(version)::text, business_date::text from marts.dated_shelf limit 1"
        ).fetchone()
    assert row == ("bigint", "2026-01-11")


def test_a_table_that_becomes_a_view_is_replaced_with_its_grants(database: Path) -> None:
    with connect("publisher") as connection:
        connection.execute("drop view marts.dated_shelf")
        connection.execute("create table marts.dated_shelf (id int)")
    publish(_build_shelf(11, [1]), STAMPED)
    assert (1, 11, "2026-01-12") in _shelf()


def test_a_view_over_what_is_not_published_is_refused_and_told_without_a_traceback(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_id = _build_shelf(12, [1])
    before = _shelf()
    given = [table for table in STAMPED if table.name != "night"]
    said = "dated_shelf reads night, which has no publish_to"
    with pytest.raises(NotPublished, match=said):
        publish(build_id, given)
    monkeypatch.setattr(tables, "published_tables", lambda: given)
    with pytest.raises(NightFailed, match=said):
        stages.publish(build_id)
    told = CliRunner().invoke(app, ["publish", str(build_id)])
    assert (told.exit_code, said in told.stderr, "Traceback" in told.stderr) == (1, True, False)
    assert _shelf() == before


def _shelf() -> set[tuple[int, int, str]]:
    with connect("bi_reader") as connection:
        rows = connection.execute("select id, version, business_date::text from marts.dated_shelf")
        return {(id_, version, date) for id_, version, date in rows}


def test_readers_of_a_view_never_see_two_nights(database: Path) -> None:
    everyone = list(range(1, ROWS + 1))
    publish(_build_shelf(20, everyone), STAMPED)
    reads, mixed, stop = 0, 0, threading.Event()
    query = (
        "select count(*), count(distinct version), count(distinct business_date),"
        " max(business_date) - date '2026-01-01' = max(version) from marts.dated_shelf"
    )

    def read() -> None:
        nonlocal reads, mixed
        with psycopg.connect(dsn("bi_reader"), autocommit=True) as connection:
            while not stop.is_set():
                mixed += connection.execute(query).fetchone() != (ROWS, 1, 1, True)
                reads += 1

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(21, 36):
        publish(_build_shelf(version, everyone), STAMPED)
    stop.set()
    reader.join()
    assert reads > 100
    assert mixed == 0


def test_readers_never_see_a_mixed_or_empty_night(database: Path) -> None:
    publish(_build(10), TABLES)
    seen = _Readers(single=2, repeatable=2)
    with seen:
        for version in range(11, 31):
            publish(_build(version), TABLES)
        seen.wait_for(3_000)
    assert seen.errors == []
    assert seen.reads >= 3_000
    assert seen.mixed == 0
    assert len(seen.versions) > 5, "the readers must have read while nights were published"


def test_a_killed_publisher_leaves_the_night_before(database: Path) -> None:
    publish(_build(50), TABLES)
    build = _build(51)
    with connect("transformer") as blocker:
        # The publisher stops at its second table, having written its first.
        blocker.execute("lock table build.right_side in access exclusive mode")
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from revlog.builds.published import Published\n"
                "from revlog.publication.publish import publish\n"
                f"publish({build}, [Published('left_side', 'marts', ('id',)),"
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
    publish(build, TABLES)
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
