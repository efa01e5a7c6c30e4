"""The oldest PostgreSQL that may be used, with an administrator who is no superuser."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from revlog.builds.published import Published
from revlog.database import server
from revlog.database.connections import STAGE_ROLES, connect
from revlog.maintenance import migrate
from revlog.publication.publish import publish
from tests.nights import finished_build, newest

DATE = dt.date(2026, 1, 31)
STOCK = Published("stock", "marts", ("id",))
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
pytestmark = pytest.mark.skipif(not BINARIES, reason="needs a PostgreSQL of the system: postgresql-15")


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the system's PostgreSQL on a port of its own; yields the address of its administrator."""
    home, user = Path(tempfile.mkdtemp(prefix="reverse-logistics-own-")), server._user()
    if user:
        shutil.chown(home, user)

    def run(name: str, *arguments: str) -> None:
        subprocess.run(
            [str(BINARIES[0] / name), *arguments], check=True, user=user, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = str(home / "data")
    run("initdb", "-D", data, "-U", "root_of_it", "--auth=trust", "-E", "UTF8")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=40"
    run("pg_ctl", "-D", data, "-l", str(home / "log"), "-o", settings, "-w", "start")
    root = f"postgresql://root_of_it@127.0.0.1:{port}"
    try:
        with psycopg.connect(f"{root}/postgres", autocommit=True) as connection:
            # As docs/how-to/own-postgresql.md has it.
            connection.execute("create role warehouse_admin login createrole createdb password 'x'")
            connection.execute(
                "create database warehouse owner warehouse_admin encoding 'UTF8' template template0"
            )
        yield f"postgresql://warehouse_admin:x@127.0.0.1:{port}/warehouse"
    finally:
        run("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
        shutil.rmtree(home)


@pytest.fixture()
def warehouse(own_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WAREHOUSE_DSN", own_server)
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    migrate.upgrade()
    return own_server


def test_a_migration_may_be_repeated_and_gives_every_role_its_bounds(warehouse: str) -> None:
    migrate.upgrade()
    with connect("admin") as connection:
        rows = connection.execute(
            "select rolname, rolconnlimit from pg_roles where rolconnlimit <> -1 order by 1"
        ).fetchall()
    assert rows == [("auditor", 4), ("bi_reader", 20), ("finance_reader", 4)]
    with connect("bi_reader") as connection:
        assert connection.execute("show idle_in_transaction_session_timeout").fetchone() == ("10min",)
    for role in STAGE_ROLES:
        with connect(role) as connection:
            assert connection.execute("show lock_timeout").fetchone() == ("30min",)


def test_readers_who_idle_in_the_way_of_another_shape_are_ended(
    warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READER_PATIENCE_SECONDS", "1")
    for kind in ("integer", "bigint"):
        with connect("transformer") as connection:
            connection.execute("drop table if exists build.stock")
            connection.execute(f"create table build.stock as select 1::{kind} as id")
        finished_build(DATE)
        if kind == "integer":
            publish(newest(), [STOCK])
    with connect("bi_reader") as reader:
        reader.execute("select * from marts.stock")
        publish(newest(), [STOCK])
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select 1")
    with connect("bi_reader") as connection:
        assert connection.execute("select pg_typeof(id)::text from marts.stock").fetchone() == ("bigint",)
