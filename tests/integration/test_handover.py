"""Publishing tables and views of another shape while they are read: nobody sees none, two, or an error."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.builds.published import Published
from revlog.database.connections import connect
from revlog.publication.publish import NotPublished, publish
from tests.nights import finished_build, newest

DATE = dt.date(2026, 1, 31)
ROWS = 300
STOCK = Published("stock", "marts", ("id",))
STEADY = Published("steady", "marts", ("id",))
SITES = Published("sites", "marts", ("site",))
SHOWN = Published("stock_shown", "marts", ("id",), is_view=True)
OVER = Published("stock_total", "marts", ("version",), is_view=True)
BEFORE = [STOCK, STEADY, SHOWN, OVER]
AFTER = [*BEFORE, SITES]


def _build(version: int, is_new_shape: bool) -> None:
    """Build rows that all carry one version. In the new shape a column has another type, one is gone, one is
    new, and the view joins a table that was not there before by that column."""
    kind, column = ("bigint", "site") if is_new_shape else ("integer", "note")
    with connect("transformer") as connection:
        for statement in (
            "drop view if exists build.stock_total, build.stock_shown",
            "drop table if exists build.stock, build.steady, build.sites",
            f"create table build.stock (id integer primary key, version {kind} not null, {column} text)",
            f"insert into build.stock select id, {version}, 'x' from generate_series(1, {ROWS}) as id",
            f"create table build.steady as select id, {version} as version from build.stock",
            "create table build.sites as select 'x' as site",
            "create view build.stock_shown as select id, version from build.stock"
            if not is_new_shape
            else "create view build.stock_shown as select s.id, s.version, sites.site from build.stock as s"
            " inner join build.sites as sites on s.site = sites.site",
            "create view build.stock_total as select version, count(*) as rows from build.stock_shown"
            " group by version",
        ):
            connection.execute(statement)
    finished_build(DATE)


def _publish(version: int, is_new_shape: bool) -> None:
    _build(version, is_new_shape)
    assert publish(newest(), AFTER if is_new_shape else BEFORE).is_new


QUERIES = {
    "table": "select count(*), count(distinct version), min(version)::text from marts.stock",
    "view": "select count(*), count(distinct version), min(version)::text from marts.stock_shown",
    "view over a view": "select sum(rows)::bigint, count(*), min(version)::text from marts.stock_total",
    "table of one shape": "select count(*), count(distinct version), min(version)::text from marts.steady",
}


class _Reader(threading.Thread):
    """Reads all four, in one statement or in one REPEATABLE READ transaction, until told to stop."""

    def __init__(self, is_transaction: bool, rotation: int) -> None:
        super().__init__()
        self.is_transaction = is_transaction
        queries = list(QUERIES.values())
        self.queries = queries[rotation:] + queries[:rotation]
        self.over = threading.Event()
        self.found: list[set[tuple[Any, ...]]] = []
        self.longest = 0.0
        self.error: str | None = None

    def run(self) -> None:
        try:
            with connect("bi_reader", autocommit=True) as connection:
                while not self.over.is_set():
                    self.found.append(self._read(connection))
        except psycopg.Error as error:
            self.error = str(error)

    def _read(self, connection: psycopg.Connection) -> set[tuple[Any, ...]]:
        if not self.is_transaction:
            return set(self._timed(connection, " union ".join(self.queries)))
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            return {row for query in self.queries for row in self._timed(connection, query)}

    def _timed(self, connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
        started = time.monotonic()
        rows = connection.execute(query).fetchall()
        self.longest = max(self.longest, time.monotonic() - started)
        return rows


@contextmanager
def _readers() -> Iterator[list[_Reader]]:
    readers = [_Reader(is_transaction, rotation) for is_transaction in (True, False) for rotation in (0, 2)]
    for reader in readers:
        reader.start()
    try:
        yield readers
    finally:
        for reader in readers:
            reader.over.set()
        for reader in readers:
            reader.join()


def test_readers_see_one_whole_night_whatever_changes_its_shape(fresh_database: Path) -> None:
    _publish(1, is_new_shape=False)
    with _readers() as readers:
        for version in range(2, 6):
            _publish(version, is_new_shape=version % 2 == 0)
    assert [reader.error for reader in readers] == [None] * len(readers)
    whole = [{(ROWS, 1, str(version))} for version in range(1, 6)]
    wrong = [found for reader in readers for found in reader.found if found not in whole]
    assert wrong == [], f"{len(wrong)} mixed or empty reads"
    assert len({str(found) for reader in readers for found in reader.found}) > 3, "read while published"
    reads = sum(len(reader.found) for reader in readers)
    print(f"{reads} reads, longest wait {max(reader.longest for reader in readers):.3f} s")


@pytest.mark.parametrize("first", QUERIES)
def test_a_transaction_that_began_before_sees_the_old_night_to_its_end(
    first: str, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER_PATIENCE_SECONDS", "0.2")
    _publish(1, is_new_shape=False)
    with connect("bi_reader") as reader:
        reader.execute("set transaction isolation level repeatable read")
        # Only the steady table is held: the others keep the publisher waiting for the end of the transaction.
        reader.execute(QUERIES["table of one shape"])
        _publish(2, is_new_shape=True)
        assert reader.execute(QUERIES[first]).fetchone() == (ROWS, 1, "1")
        for query in QUERIES.values():
            assert reader.execute(query).fetchone() == (ROWS, 1, "1")
    assert _seen() == {(ROWS, 1, "2")}
    assert _kind("stock") == "v", "given to the table when the reader has gone"
    _publish(3, is_new_shape=True)
    assert (_kind("stock"), _left()) == ("r", 0)
    assert _seen() == {(ROWS, 1, "3")}


def _seen() -> set[tuple[Any, ...]]:
    with connect("bi_reader") as connection:
        return {row for query in QUERIES.values() for row in connection.execute(query)}


def _kind(name: str) -> Any:
    return _one(f"select relkind from pg_class where oid = 'marts.{name}'::regclass")


def _left() -> Any:
    """Tables and views that wait in the publisher's own rooms."""
    return _one(
        "select count(*) from pg_class where relkind in ('r', 'v')"
        " and relnamespace in ('incoming'::regnamespace, 'outgoing'::regnamespace)"
    )


def _one(query: str) -> Any:
    with connect("admin") as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def _rebuild(kind: str, values: str) -> None:
    """Build a stock of one column `what` of some type."""
    with connect("transformer") as connection:
        for statement in (
            "drop view if exists build.stock_shown",
            "drop table if exists build.stock",
            f"create table build.stock (id integer primary key, what {kind})",
            f"insert into build.stock values {values}",
            "create view build.stock_shown as select id, what from build.stock",
        ):
            connection.execute(statement)
    finished_build(DATE)


@pytest.fixture()
def texts(fresh_database: Path) -> None:
    """A published table and view of texts, and a build in which the texts are numbers."""
    _rebuild("text", "(1, 'one')")
    publish(newest(), [STOCK, SHOWN])
    _rebuild("integer", "(1, 1)")


def test_what_can_not_be_of_the_new_type_is_empty_for_who_began_before(texts: None) -> None:
    with connect("bi_reader") as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from marts.histories")
        publish_in_the_background = threading.Thread(target=publish, args=(newest(), [STOCK, SHOWN]))
        publish_in_the_background.start()
        while _kind("stock") == "r":
            time.sleep(0.05)
        for name in ("stock", "stock_shown"):
            assert reader.execute(f"select id, what from marts.{name}").fetchall() == [(1, None)]
    publish_in_the_background.join()
    with connect("bi_reader") as reader:
        assert reader.execute("select id, what from marts.stock_shown").fetchall() == [(1, 1)]


def test_rights_are_those_of_before_and_no_others(texts: None) -> None:
    with connect("publisher") as connection:
        connection.execute("grant insert on marts.stock to loader with grant option")
        connection.execute("revoke select on marts.stock, marts.stock_shown from bi_reader")
    before = [_rights(name) for name in ("stock", "stock_shown")]
    publish(newest(), [STOCK, SHOWN])
    assert (_kind("stock"), _left()) == ("r", 0)
    assert [_rights(name) for name in ("stock", "stock_shown")] == before


def _rights(name: str) -> Any:
    return _one(
        "select array_agg(array[grantee::regrole::text, privilege_type, is_grantable::text]"
        "   order by grantee, privilege_type)"
        f" from pg_class as c, aclexplode(c.relacl) where c.oid = 'marts.{name}'::regclass"
    )


def test_descriptions_and_keys_come_with_the_new_shape(texts: None) -> None:
    with connect("transformer") as connection:
        connection.execute("comment on table build.stock is 'Numbers.'")
        connection.execute("comment on column build.stock_shown.what is 'A number.'")
        connection.execute("create index on build.stock (what)")
    publish(newest(), [STOCK, SHOWN])
    assert _one("select obj_description('marts.stock'::regclass, 'pg_class')") == "Numbers."
    assert _one("select col_description('marts.stock_shown'::regclass, 2)") == "A number."
    assert _one(
        "select array_agg(indexrelid::regclass::text order by 1) from pg_index"
        " where indrelid = 'marts.stock'::regclass"
    ) == ["marts.stock_pkey", "marts.stock_what_idx"]


def test_a_view_of_someone_else_is_not_left_behind(texts: None) -> None:
    with connect("admin") as connection:
        connection.execute("create view public.analysts as select what from marts.stock")
    with pytest.raises(NotPublished, match=r"public.analysts reads marts.stock, .* drop that view"):
        publish(newest(), [STOCK, SHOWN])
    assert (_kind("stock"), _left()) == ("r", 0)
    with connect("admin") as connection:
        connection.execute("drop view public.analysts")
    assert publish(newest(), [STOCK, SHOWN]).is_new


def test_a_view_that_is_no_longer_published_goes_with_the_table_below_it(texts: None) -> None:
    publish(newest(), [STOCK])
    assert _one("select to_regclass('marts.stock_shown')::text") is None
    assert (_kind("stock"), _left()) == ("r", 0)


def test_row_security_is_not_lost_unsaid(texts: None) -> None:
    with connect("publisher") as connection:
        connection.execute("alter table marts.stock enable row level security")
    with pytest.raises(NotPublished, match=r"marts.stock gets another shape and has row-level security"):
        publish(newest(), [STOCK, SHOWN])


def test_row_security_is_not_lost_unsaid_where_a_table_becomes_a_view(texts: None) -> None:
    with connect("transformer") as connection:
        connection.execute("drop view build.stock_shown")
        connection.execute("create table build.stock_shown as select id, what from build.stock")
    shown = Published("stock_shown", "marts", ("id",))
    publish(newest(), [STOCK, shown])
    with connect("publisher") as connection:
        connection.execute("alter table marts.stock_shown enable row level security")
    with connect("transformer") as connection:
        connection.execute("drop table build.stock_shown")
        connection.execute("create view build.stock_shown as select id, what from build.stock")
    with pytest.raises(NotPublished, match=r"stock_shown .* row-level security.* a view of their own"):
        publish(newest(), [STOCK, SHOWN])
    assert _kind("stock_shown") == "r"


def test_a_publisher_that_fails_last_leaves_shape_and_night_as_they_were(
    texts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="in the middle"):
        patch.setattr("revlog.publication.handover.relations.describe", _fail)
        publish(newest(), [STOCK, SHOWN])
    assert (_kind("stock"), _left()) == ("r", 0)
    with connect("bi_reader") as reader:
        assert reader.execute("select id, what from marts.stock_shown").fetchall() == [(1, "one")]


def _fail(*_: object) -> None:
    raise RuntimeError("in the middle")


def test_a_view_becomes_a_table_and_a_table_a_view(fresh_database: Path) -> None:
    _rebuild("text", "(1, 'one')")
    publish(newest(), [STOCK, SHOWN])
    with connect("transformer") as connection:
        connection.execute("drop view build.stock_shown")
        connection.execute("create table build.stock_shown as select id, what from build.stock")
    publish(newest(), [STOCK, Published("stock_shown", "marts", ("id",))])
    assert (_kind("stock_shown"), _left()) == ("r", 0)
    with connect("transformer") as connection:
        connection.execute("drop table build.stock_shown")
        connection.execute("create view build.stock_shown as select id, what from build.stock")
        connection.execute("insert into build.stock values (2, 'two')")
    publish(newest(), [STOCK, SHOWN])
    assert (_kind("stock_shown"), _left()) == ("v", 0)
    with connect("bi_reader") as reader:
        assert reader.execute("select count(*) from marts.stock_shown").fetchone() == (2,)
