"""The embedded PostgreSQL: who gets in, and what outlives a killed client."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from revlog.config.settings import ROOT
from revlog.database import connections, server
from revlog.maintenance import migrate


def test_it_is_postgresql_18_on_loopback_only(database: Path) -> None:
    with connections.connect("admin") as connection:
        version = connection.execute("show server_version_num").fetchone()
        listens = connection.execute("show listen_addresses").fetchone()
        sockets = connection.execute("show unix_socket_directories").fetchone()
    assert version is not None and int(version[0]) // 10000 == 18
    assert listens == ("127.0.0.1",)
    assert sockets == ("",)


def test_a_wrong_password_is_refused(database: Path) -> None:
    wrong = connections.dsn("bi_reader").replace("bi_reader:", "bi_reader:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_starting_twice_keeps_the_server_and_its_port(database: Path) -> None:
    assert server.start() == server.port() == server.start()


def test_a_number_that_another_process_has_by_now_is_not_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("18\n")
    pid_file = tmp_path / "data" / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text(f"{stranger.pid}\n{tmp_path / 'data'}\n")
        monkeypatch.setattr(server, "_home", lambda: tmp_path)
        assert not server.is_running()
        server.stop()
        assert stranger.poll() is None, "what is not ours lives on"
        stranger.kill()
    assert not pid_file.exists()


def test_data_of_another_major_version_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("17\n")
    monkeypatch.setattr(server, "_home", lambda: tmp_path)
    with pytest.raises(server.ServerError, match=r"is of PostgreSQL 17, this environment brings 18.* mv "):
        server.start()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["PG_VERSION"]


def test_migrating_twice_changes_nothing(database: Path) -> None:
    count = "select count(*) from information_schema.tables where table_schema = 'ops'"
    with connections.connect("admin") as connection:
        before = connection.execute(count).fetchone()
    migrate.migrate()
    with connections.connect("admin") as connection:
        assert connection.execute(count).fetchone() == before


def test_no_role_is_a_superuser_or_makes_roles(database: Path) -> None:
    with connections.connect("admin") as connection:
        rows = connection.execute(
            "select rolname from pg_roles where rolname = any(%s)"
            " and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls)",
            [list(connections.ROLES)],
        ).fetchall()
    assert rows == []


def test_a_statement_of_a_killed_client_does_not_commit(database: Path) -> None:
    with connections.connect("admin", autocommit=True) as connection:
        connection.execute("create table ops.killed (id integer)")
        client = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from revlog.database.connections import connect\n"
                "c = connect('admin', autocommit=True)\n"
                "print('ready', flush=True)\n"
                "c.execute('insert into ops.killed select 1 from pg_sleep(6)')",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert client.stdout is not None
        client.stdout.readline()
        time.sleep(1)
        client.kill()
        client.wait()
        time.sleep(7)
        assert connection.execute("select count(*) from ops.killed").fetchone() == (0,)
        connection.execute("drop table ops.killed")
