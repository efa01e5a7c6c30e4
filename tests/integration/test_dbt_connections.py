"""A thread of dbt goes on with its connection, and nothing of one node is left in it for the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager

from revlog.database.connections import connect, dsn
from revlog.transform import build, dbt_command, dbt_process, kept_dbt
from tests.integration.ingestion_landing import DAY, query, sale, sales
from tests.nights import begin


@pytest.fixture()
def node(database: Path) -> Iterator[Any]:
    """A connection as a node of dbt leaves it: in a transaction, with a table and a setting of its own."""
    session = psycopg2.connect(dsn("transformer"))
    with session.cursor() as cursor:
        cursor.execute("set work_mem = '77MB'")
        cursor.execute("create temporary table left_over ()")
    session.commit()
    with session.cursor() as cursor:
        cursor.execute("select 1")
    yield SimpleNamespace(handle=session, transaction_open=True)
    session.close()


def test_what_a_node_left_in_its_session_is_gone_for_the_next(node: Any) -> None:
    assert dbt_command._is_as_new(node)
    assert not node.transaction_open and not node.handle.autocommit
    assert node.handle.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    with node.handle.cursor() as cursor:
        cursor.execute("select to_regclass('left_over'), current_setting('work_mem') = '77MB'")
        assert cursor.fetchone() == (None, False)


def test_details_that_no_log_takes_are_not_made_into_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(EventManager, "fire_event", lambda self, e, *more, **named: heard.append(e))
    dbt_command.tell_only_what_is_heard()
    detail = SimpleNamespace(level_tag=lambda: EventLevel.DEBUG)
    result = SimpleNamespace(level_tag=lambda: EventLevel.INFO)
    manager = EventManager()
    manager.loggers = [SimpleNamespace(level=EventLevel.INFO)]
    manager.fire_event(detail)
    manager.fire_event(result)
    manager.loggers.append(SimpleNamespace(level=EventLevel.DEBUG))
    manager.fire_event(detail)
    assert heard == [result, detail]


def test_a_session_that_the_server_has_ended_is_not_gone_on_with(node: Any) -> None:
    with connect("admin", autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [node.handle.info.backend_pid])
    assert not dbt_command._is_as_new(node)


@pytest.mark.usefixtures("own_dbt")
def test_a_layer_opens_fewer_sessions_than_it_has_nodes(fresh_database: Path) -> None:
    sales(fresh_database, "20260201", sale("A"))
    build_id = begin(DAY, full_refresh=True)
    before = _sessions_of_dbt()
    build.run_layer(build_id, "staging")
    nodes = query("select count(*) from ops.model_runs")[0][0]
    # Four threads, and the ones that look for what stands.
    assert _sessions_of_dbt() - before < nodes / 4


def _sessions_of_dbt() -> int:
    found: int = query("select sessions from pg_stat_database where datname = current_database()")[0][0]
    return found


@pytest.mark.usefixtures("own_dbt")
@pytest.mark.parametrize("is_killed", [False, True])
def test_the_layers_of_a_night_share_one_dbt_and_go_on_without_it(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    sales(fresh_database, "20260201", sale("A"))
    started: list[list[str]] = []
    start = dbt_process.start
    monkeypatch.setattr(dbt_process, "start", lambda *a, **k: started.append(a[0]) or start(*a, **k))
    build_id = begin(DAY, full_refresh=True)
    with build.keeping_dbt():
        kept = kept_dbt.current()
        assert kept is not None
        assert kept._process is not None
        if is_killed:
            kept._process.kill()
        said = [build.run_layer(build_id, layer) for layer in ("staging", "core")]
    assert [line.split(":")[0] for line in said] == ["staging", "core"]
    assert query("select count(*) from ops.model_runs where status in ('error', 'fail')") == [(0,)]
    assert len(started) == (3 if is_killed else 1)
    assert kept_dbt.current() is None and kept.has_ended
