"""Readers who idle, read for long or connect for all they can: none holds up the pipeline for good."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.builds.published import Published
from revlog.database import connections
from revlog.database.bounds import READERS
from revlog.database.connections import ROLES, STAGE_ROLES, connect
from revlog.database.waits import StillBlocked
from revlog.estimates import step
from revlog.maintenance import migrate
from revlog.publication.publish import publish
from revlog.transform import build, dbt_process
from tests.integration.ingestion_landing import sales
from tests.nights import finished_build, newest

DATE = dt.date(2026, 1, 31)
TABLES = [Published("stock", "marts", ("id",)), Published("stock_shown", "marts", ("id",), is_view=True)]
# A wait that is bounded by these ends long before a test gives up.
PATIENT = {"READER_PATIENCE_SECONDS": "1", "LOCK_PATIENCE_MINUTES": "0.5"}
SHORT = {"READER_PATIENCE_SECONDS": "0.5", "LOCK_PATIENCE_MINUTES": "0.05"}
ENDED = (psycopg.errors.AdminShutdown, psycopg.OperationalError)


def _set(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def _build(column: str) -> None:
    """Build a table and a view that shows its column `column`."""
    with connect("transformer") as connection:
        for statement in (
            "drop view if exists build.stock_shown",
            "create table if not exists build.stock (id integer primary key, first text, second text)",
            "insert into build.stock values (1, 'a', 'b') on conflict do nothing",
            f"create view build.stock_shown as select id, {column} from build.stock",
        ):
            connection.execute(statement)
    finished_build(DATE)


@pytest.fixture()
def another_view(fresh_database: Path) -> None:
    """A published view, and a build with which it becomes another."""
    _build("first")
    publish(newest(), TABLES)
    _build("second")


@contextmanager
def _reading(role: str, query: str) -> Iterator[psycopg.Connection]:
    """A reader who has lifted all its own timeouts, has read, and stays in the transaction."""
    connection = connect(role)
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(f"set {name} = 0")
    connection.execute(query)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _busy(role: str, query: str) -> Iterator[psycopg.Connection]:
    """A reader whose statement runs for longer than anyone waits."""
    with _reading(role, query) as connection:
        thread = threading.Thread(target=_until_cancelled, args=(connection,))
        thread.start()
        time.sleep(0.2)
        yield connection
        connection.cancel_safe()
        thread.join()


def _until_cancelled(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("select pg_sleep(60), count(*) from pg_class where relname = 'somebody''s'")


def _shown() -> list[str]:
    with connect("bi_reader") as connection:
        return [c.name for c in connection.execute("select * from marts.stock_shown").description or ()]


def test_a_reader_who_idles_after_reading_a_view_is_ended_and_the_view_published(
    another_view: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _set(monkeypatch, PATIENT)
    with _reading("bi_reader", "select * from marts.stock_shown") as reader:
        pid = reader.info.backend_pid
        with _longest_read("select count(*) from marts.stock_shown") as longest:
            assert publish(newest(), TABLES).is_new
        with pytest.raises(ENDED):
            reader.execute("select 1")
    assert _shown() == ["id", "second"]
    assert (
        f"waits for process {pid} (bi_reader, reverse-logistics bi_reader), idle in transaction"
        in caplog.text
    )
    assert f"process {pid} idled in a transaction and was ended" in caplog.text
    assert longest[0] < 1, "other readers go on meanwhile"


@contextmanager
def _longest_read(query: str) -> Iterator[list[float]]:
    """Another reader, over and over; the longest that a read took."""
    longest, over = [0.0], threading.Event()

    def read() -> None:
        with connect("bi_reader", autocommit=True) as connection:
            while not over.is_set():
                started = time.monotonic()
                connection.execute(query)
                longest[0] = max(longest[0], time.monotonic() - started)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield longest
    finally:
        over.set()
        thread.join()


def test_a_reader_who_works_is_not_ended_but_named(
    another_view: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, SHORT)
    with _busy("bi_reader", "select * from marts.stock_shown") as reader:
        said = (
            rf"waited 0.05 minutes in vain for process {reader.info.backend_pid} \(bi_reader, .*\), active"
            r" since .* UTC: select pg_sleep\(….*end it as the administrator: select pg_terminate_backend"
        )
        with pytest.raises(StillBlocked, match=said):
            publish(newest(), TABLES)
        assert _shown() == ["id", "first"]
    assert publish(newest(), TABLES).is_new, "and then it goes through"
    assert _shown() == ["id", "second"]


def test_a_night_that_changes_no_shape_waits_for_no_reader(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build("first")
    publish(newest(), TABLES)
    with connect("transformer") as connection:
        connection.execute("update build.stock set first = 'other'")
    _set(monkeypatch, SHORT)
    with _reading("bi_reader", "select * from marts.stock_shown") as reader:
        assert publish(newest(), TABLES).tables["marts.stock"] == {"deleted": 1, "inserted": 1}
        reader.execute("select 1")


def test_a_column_that_is_added_leaves_views_and_who_reads_them_alone(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build("first")
    publish(newest(), TABLES)
    with connect("transformer") as connection:
        connection.execute("alter table build.stock add column third text default 'c'")
    with connect("admin") as connection:
        connection.execute("create view public.analysts as select * from marts.stock_shown")
        before = connection.execute("select 'marts.stock_shown'::regclass::oid").fetchone()
    publish(newest(), TABLES)
    with connect("admin") as connection:
        assert connection.execute("select 'marts.stock_shown'::regclass::oid").fetchone() == before
        assert connection.execute("select third from marts.stock").fetchone() == ("c",)
        assert connection.execute("select first from public.analysts").fetchone() == ("a",)


def _replace_as_dbt_does(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    said, code = "", 0
    try:
        with connect("transformer") as connection:
            connection.execute("set lock_timeout = '3s'")
            connection.execute("drop view build.stock_shown")
            connection.execute("create view build.stock_shown as select id, second from build.stock")
    except psycopg.Error as error:
        said, code = str(error), 1
    return subprocess.CompletedProcess(arguments, code, said, "")


@pytest.fixture()
def layer(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """The marts layer of an open build, with one view to replace."""
    _build("first")
    sales(fresh_database, f"{DATE:%Y%m%d}")
    build_id = build.begin(DATE).build_id
    monkeypatch.setattr(dbt_process, "run", _replace_as_dbt_does)
    monkeypatch.setattr(build, "plan_file", lambda arguments: Path(os.devnull))
    # There is no core to expect anything from.
    monkeypatch.setattr(step, "ESTIMATES", ())
    return lambda: build.run_layer(build_id, "marts")


def test_an_auditor_who_idles_after_reading_a_built_view_is_ended_and_the_layer_built(
    layer: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, SHORT)
    with _reading("auditor", "select * from build.stock_shown") as reader:
        layer()
        with pytest.raises(ENDED):
            reader.execute("select 1")
    with connect("auditor") as connection:
        assert connection.execute("select second from build.stock_shown").fetchone() == ("b",)


def test_a_layer_that_waits_in_vain_names_who_holds_it_up(
    layer: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, SHORT)
    with (
        _busy("auditor", "select * from build.stock_shown") as reader,
        pytest.raises(StillBlocked, match=rf"layer marts .* process {reader.info.backend_pid} \(auditor, "),
    ):
        layer()


def test_no_reader_but_one_who_idles_in_the_way_can_be_ended(another_view: None) -> None:
    with _reading("bi_reader", "select 1") as idle, _reading("bi_reader", "select * from marts.stock_shown"):
        time.sleep(1.2)
        with connect("publisher") as connection:
            ended = connection.execute("select ops.end_idle_readers(array[%s])", [idle.info.backend_pid])
            assert ended.fetchall() == []
        idle.execute("select 1")
    for role in READERS:
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select ops.end_idle_readers('{}')")


@pytest.fixture()
def everything_read(another_view: None) -> Iterator[list[psycopg.Connection]]:
    """An auditor and a finance reader who idle in a transaction after reading every table and view."""
    readers = [connect("auditor"), connect("finance_reader")]
    for reader in readers:
        tables = reader.execute(
            "select format('%I.%I', n.nspname, c.relname) from pg_class as c"
            " inner join pg_namespace as n on n.oid = c.relnamespace"
            " where c.relkind in ('r', 'v') and n.nspname in ('raw', 'ops', 'build', 'marts', 'finance')"
            " and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')"
        ).fetchall()
        assert len(tables) > 3
        for (table,) in tables:
            reader.execute(f"select from {table} limit 1")
    yield readers
    for reader in readers:
        reader.close()


def test_a_migration_that_changes_nothing_waits_for_no_reader(
    everything_read: list[psycopg.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, {"READER_PATIENCE_SECONDS": "60", "LOCK_PATIENCE_MINUTES": "0.01"})
    migrate.upgrade()
    for reader in everything_read:
        reader.execute("select 1")


def test_a_migration_ends_readers_who_idle_in_its_way_and_leaves_the_others(
    another_view: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, PATIENT)
    with connect("admin") as connection:
        connection.execute("alter table ops.file_ledger drop column last_event_at")
    with (
        _reading("finance_reader", "select * from ops.file_ledger") as in_the_way,
        _reading("finance_reader", "select * from marts.stock") as elsewhere,
    ):
        migrate.migrate()
        with pytest.raises(ENDED):
            in_the_way.execute("select 1")
        elsewhere.execute("select 1")
    with connect("admin") as connection:
        connection.execute("select last_event_at from ops.file_ledger")


def test_a_migration_names_who_works_in_its_way(another_view: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, SHORT)
    with connect("admin") as connection:
        connection.execute("alter table ops.file_ledger drop column last_event_at")
    with (
        _busy("finance_reader", "select * from ops.file_ledger"),
        pytest.raises(StillBlocked, match=r"330_last_event.sql waited .* \(finance_reader, "),
    ):
        migrate.migrate()
    migrate.migrate()


def test_advisory_locks_of_a_reader_hold_nobody_up(
    another_view: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, SHORT)
    with connect("bi_reader") as reader:
        for key in range(720_000, 720_010):
            reader.execute("select pg_advisory_lock(%s)", [key])
        publish(newest(), TABLES)
        migrate.migrate()
    assert _shown() == ["id", "second"]


def test_a_reader_who_connects_for_all_it_can_leaves_room_for_the_night(another_view: None) -> None:
    held: list[psycopg.Connection[Any]] = []
    try:
        with pytest.raises(psycopg.OperationalError, match='too many connections for role "bi_reader"'):
            for _ in range(197):
                held.append(connect("bi_reader"))
        assert len(held) <= 100, "half of the server's 200"
        assert publish(newest(), TABLES).is_new
        for role in ROLES:
            if role != "bi_reader":
                connect(role).close()
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_its_bounds(role: str, database: Path) -> None:
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    with connect(role) as connection:
        bounds = [connection.execute(f"show {name}").fetchone() for name in names]
        limit = connection.execute("select rolconnlimit from pg_roles where rolname = %s", [role]).fetchone()
    expected = {
        True: [("6h",), ("30min",), ("1h",)],
        False: [("30min",), ("1min",), ("10min",)],
    }[role in STAGE_ROLES]
    assert bounds == expected
    assert limit == ({"bi_reader": 100, "finance_reader": 20, "auditor": 20}.get(role, -1),)


def test_the_stages_may_use_the_connections_that_the_server_reserves(database: Path) -> None:
    with connect("admin") as connection:
        assert connection.execute("show reserved_connections").fetchone() == ("40",)
        rows = connection.execute(
            "select rolname from pg_roles where rolname = any(%s)"
            " and pg_has_role(oid, 'pg_use_reserved_connections', 'member') order by 1",
            [list(ROLES)],
        ).fetchall()
    assert [role for (role,) in rows] == sorted(STAGE_ROLES)


def test_bounds_of_the_settings_are_those_of_the_roles(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, {"READER_STATEMENT_TIMEOUT": "90s", "AUDITOR_CONNECTIONS": "7"})
    migrate.migrate()
    try:
        with connect("auditor") as connection:
            assert connection.execute("show statement_timeout").fetchone() == ("90s",)
            limit = connection.execute("select rolconnlimit from pg_roles where rolname = 'auditor'")
            assert limit.fetchone() == (7,)
    finally:
        monkeypatch.undo()
        migrate.migrate()


def test_nobody_waits_for_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.BOUNDED, "connect_timeout", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("WAREHOUSE_DSN", f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/warehouse")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            connect("admin")


@pytest.fixture(autouse=True)
def _log_is_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="reverse_logistics.waits")
