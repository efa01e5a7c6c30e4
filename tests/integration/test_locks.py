"""Locks: held by whom, for how long, and out of the reach of readers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.database import locks
from revlog.database.connections import connect
from revlog.ingestion import ledger
from revlog.transform import build, dbt_process, kept_dbt
from tests.integration.ingestion_landing import DAY, FEED, load, query, sale, sales

READERS = ("bi_reader", "finance_reader", "auditor")


@pytest.fixture()
def someone(database: Path) -> Iterator[psycopg.Connection]:
    """Another process that holds the night."""
    with connect("transformer", application_name="the night of 2026-02-01") as other:
        locks.take(other, locks.NIGHT)
        yield other


def test_who_waits_in_vain_is_told_who_holds_the_lock_and_since_when(someone: psycopg.Connection) -> None:
    told: list[str] = []
    started = time.monotonic()
    with (
        pytest.raises(locks.Busy, match=r"night's work.*the night of 2026-02-01 \(transformer, .* since 20"),
        locks.hold(locks.NIGHT, "publisher", "a close", tell=told.append, patience=0.3),
    ):
        pass
    assert 0.3 <= time.monotonic() - started < 10
    assert len(told) == 1
    assert "waiting for the night of 2026-02-01" in told[0]


def test_a_lock_that_comes_free_goes_to_who_waits(someone: psycopg.Connection) -> None:
    threading.Timer(0.3, someone.rollback).start()
    with locks.hold(locks.NIGHT, "publisher", "a close", tell=lambda line: None, patience=60):
        assert locks.holds(locks.NIGHT)
    assert not locks.holds(locks.NIGHT)


def test_what_a_transaction_did_before_it_waited_in_vain_stays(someone: psycopg.Connection) -> None:
    with connect("publisher") as connection:
        connection.execute("create temporary table kept as select 1 as one")
        with pytest.raises(locks.Busy):
            locks.take(connection, locks.NIGHT, patience=0.1)
        assert connection.execute("select one from kept").fetchone() == (1,)


def test_waiting_leaves_the_timeout_of_the_session_as_it_was(database: Path) -> None:
    with connect("publisher") as connection:
        connection.execute("set lock_timeout = '7s'")
        locks.take(connection, locks.NIGHT)
        assert connection.execute("show lock_timeout").fetchone() == ("7s",)


def test_loads_share_the_night_and_a_step_waits_for_them(database: Path) -> None:
    with connect("loader") as one, connect("loader") as two, connect("transformer") as step:
        locks.take(one, locks.NIGHT, shared=True)
        locks.take(two, locks.NIGHT, shared=True)
        with pytest.raises(locks.Busy):
            locks.take(step, locks.NIGHT, patience=0.1)


def test_who_holds_the_night_goes_on_holding_it(database: Path) -> None:
    with locks.hold(locks.NIGHT, "transformer", "a night"):
        with locks.hold(locks.NIGHT, "loader", "its load", shared=True, patience=0.1):
            pass
        with connect("publisher") as other, pytest.raises(locks.Busy):
            locks.take(other, locks.NIGHT, patience=0.1)


def test_a_lock_that_was_lost_meanwhile_is_told(database: Path) -> None:
    with (
        pytest.raises(psycopg.OperationalError),
        locks.hold(locks.NIGHT, "transformer", "a night that is cut off"),
        connect("admin") as admin,
    ):
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'a night that is cut off'"
        )


def _cut_off(purpose: str) -> None:
    """End the connection that holds a lock for this purpose, as a network does."""
    with connect("admin") as admin:
        ended = admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like %s",
            [f"{purpose}%"],
        ).fetchall()
    assert ended and all(done for (done,) in ended)


def test_what_was_done_without_the_lock_is_not_committed(database: Path) -> None:
    with pytest.raises(psycopg.OperationalError), locks.alone("transformer", "some work") as connection:
        connection.execute("create table staging.unguarded ()")
        _cut_off("some work")
    with connect("auditor") as connection:
        assert connection.execute("select to_regclass('staging.unguarded')").fetchone() == (None,)


def test_a_load_that_has_lost_its_locks_keeps_nothing(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = ledger.Ledger.close

    def cut_off(*arguments: Any) -> str:
        _cut_off(f"load of {FEED}, process {os.getpid()}")
        return closed(*arguments)

    sales(fresh_database, "20260201", sale("A"))
    with monkeypatch.context() as patch, pytest.raises(psycopg.OperationalError):
        patch.setattr(ledger.Ledger, "close", cut_off)
        load()
    assert query(f"select count(*) from raw.{FEED}") == [(0,)]
    load()
    assert query(f"select count(*) from raw.{FEED}") == [(1,)]


@pytest.mark.usefixtures("own_dbt")
def test_a_layer_that_has_lost_the_night_ends_dbt_and_is_not_good(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales(fresh_database, "20260201", sale("A"))
    build_id = build.begin(DAY).build_id
    endless, began = tmp_path / "dbt", tmp_path / "began"
    endless.write_text(f"#!/bin/sh\necho $$ > {began}.new && mv {began}.new {began}\nexec sleep 600\n")
    endless.chmod(0o700)

    def cut_off() -> None:
        while not began.exists():
            time.sleep(0.05)
        _cut_off(f"layer staging of build {build_id}")

    thread = threading.Thread(target=cut_off)
    thread.start()
    with monkeypatch.context() as patch, pytest.raises(psycopg.OperationalError):
        patch.setattr(dbt_process, "LOOK_EVERY_SECONDS", 0.1)
        patch.setattr(kept_dbt, "MODULE", [str(endless)])
        build.run_layer(build_id, "staging")
    thread.join()
    assert not Path(f"/proc/{began.read_text().strip()}").exists()
    assert query("select step, outcome from ops.build_steps") == [("layer staging", "broken")]


def test_a_lock_that_is_held_keeps_nothing_from_being_vacuumed(database: Path) -> None:
    with (
        locks.hold(locks.NIGHT, "transformer", "a long night"),
        connect("admin", autocommit=True) as admin,
    ):
        held_back = admin.execute(
            "select backend_xid, backend_xmin from pg_stat_activity where application_name = 'a long night'"
        ).fetchone()
        assert held_back == (None, None)


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("mode", ["share", "exclusive", "access exclusive", "row exclusive"])
def test_readers_can_take_no_lock(database: Path, role: str, mode: str) -> None:
    with connect("admin") as admin:
        names = admin.execute(
            "select oid::regclass::text from pg_class"
            " where relnamespace = 'locks'::regnamespace and relkind = 'r'"
        ).fetchall()
    assert len(names) > 15, "four of the pipeline, and one a feed"
    for (name,) in names:
        with connect(role) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"lock table {name} in {mode} mode nowait")


def test_no_code_takes_a_lock_by_its_number() -> None:
    root = Path(locks.__file__).parents[1]
    sources = [p for p in root.glob("*/**/*") if p.suffix in {".py", ".sql"} and ".venv" not in p.parts]
    assert len(sources) > 100
    # A reader takes one in test_waits.py, where it holds nobody up.
    taking = {p.name for p in sources if "advisory_" + "lock" in p.read_text()}
    assert taking <= {"test_waits.py"}
