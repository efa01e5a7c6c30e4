"""A night that is killed in each of its stages, and run again, ends as one that nothing disturbed."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from revlog.builds import clock
from revlog.commands.night import app as nightly
from revlog.commands.warehouse import app
from revlog.config.settings import ROOT, process_environment
from revlog.database import connections, server
from revlog.database.connections import connect
from revlog.gates.acceptance import accept
from revlog.night import stages
from revlog.night.errors import NightFailed
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.machinery.worker import PATIENCE_SECONDS, killed_while_waiting_for, run, start
from tests.tables import fingerprints

pytestmark = pytest.mark.long

HISTORY, NIGHT = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
DATE = f"'{NIGHT}'"
# (where it is killed, the table it then waits for, the stage that is killed and run again on the build)
KILLS = (
    ("in the COPY of a file", "raw.crm_customers", f"stages.ingest('crm_customers', {DATE})"),
    ("before the ledger's row", "ops.file_ledger", f"stages.ingest('erp_sales_lines', {DATE})"),
    ("in staging", "staging.stg_erp__sales_lines", "stages.transform(BUILD, 'staging')"),
    ("in core", "core.fct_receipt", "stages.transform(BUILD, 'core')"),
    ("in the marts", "build.kpi_daily", "stages.transform(BUILD, 'marts')"),
    ("in publishing", "marts.kpi_daily", "stages.publish(BUILD)"),
    ("in the report", "marts.kpi_definitions", f"stages.report({DATE})"),
)
SCHEMAS = ("raw", "core", "marts", "finance")
AIRFLOW = "Airflow, build_marts, a run"


@pytest.fixture(scope="module")
def twins(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two warehouses that are equal up to the history of a small company; a night has landed for both."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=800, seed=5,
            start=dt.date(2025, 9, 1), history_end=HISTORY, nights=1, night_order_lines=60, habits=DENSE,
        )
    )  # fmt: skip
    stages.whole_night(HISTORY.isoformat(), lambda line: None)
    name = os.environ["REVLOG_DATABASE"]
    with psycopg.connect(connections.dsn("admin", "postgres"), autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name]
        )
        connection.execute(f"create database {name}_twin template {name}")
    _log_sequences(f"{name}_twin")
    yield name, f"{name}_twin"


def _log_sequences(database: str) -> None:
    """A copied sequence believes that its next values are in the log; after a crash it would go back."""
    with psycopg.connect(connections.dsn("admin", database)) as connection:
        connection.execute(
            "select setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, 1),"
            " last_value is not null) from pg_sequences"
        )


def _use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("REVLOG_DATABASE", name)


def _contents() -> dict[str, Any]:
    """What a night writes; what tells the time of the run is left out."""
    found: dict[str, Any] = dict(fingerprints(*SCHEMAS))
    with connect("auditor") as connection:
        found["ops.file_ledger"] = connection.execute(
            "select name, status, rows_loaded, rows_quarantined, rows_duplicate, rows_control"
            " from ops.file_ledger order by 1, 2"
        ).fetchall()
        found["ops.quarantine"] = connection.execute(
            "select f.name, q.line_no, q.reason from ops.quarantine as q"
            " inner join ops.file_ledger as f on f.file_id = q.file_id order by 1, 2"
        ).fetchall()
        found["ops.publications"] = connection.execute(
            "select business_date, count(*) from ops.publications group by 1 order by 1"
        ).fetchall()
    return found


def _ingest_the_rest() -> None:
    for source in ("erp", "wms", "crm"):
        for feed in stages.feeds(source):
            stages.ingest(feed, NIGHT.isoformat())


def test_killed_in_every_stage_a_night_ends_as_one_undisturbed(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, killed = twins
    _use(monkeypatch, undisturbed)
    stages.whole_night(NIGHT.isoformat(), lambda line: None)
    expected = _contents()

    _use(monkeypatch, killed)
    before = _published()
    build_id = 0
    for where, table, statement in KILLS:
        if "'staging'" in statement:
            _ingest_the_rest()
            build_id = stages.begin_build(NIGHT.isoformat(), AIRFLOW)
            stages.gate(build_id, "landed")
        if "publish" in statement:
            stages.gate(build_id, "core")
            stages.gate(build_id, "publish")
        stage = statement.replace("BUILD", str(build_id))
        killed_while_waiting_for(table, stage)
        if "report" not in stage:
            assert _published() == before, f"killed {where}, and yet readers see something else"
        run(stage)
    assert _contents() == expected


def _go_on(build_id: int) -> None:
    """From staging to the last gate."""
    for layer in stages.LAYERS:
        stages.transform(build_id, layer)
    stages.gate(build_id, "core")
    stages.gate(build_id, "publish")


def _published() -> Any:
    with connect("auditor") as connection:
        return connection.execute(
            "select count(*), md5(string_agg(row(k.*)::text, '|' order by row(k.*)::text))"
            " from marts.kpi_daily as k"
        ).fetchone()


def test_a_server_that_crashes_is_told_as_a_broken_connection_and_the_stage_may_run_again(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, twins[1])
    before = _contents()
    build_id = stages.begin_build(NIGHT.isoformat(), AIRFLOW)
    stages.gate(build_id, "landed")
    crash = (
        "from revlog.database import server; from revlog.transform import build\n"
        "from revlog.night.errors import ConnectionBroken\n"
        "real = build._built\n"
        "def crashing(*arguments):\n"
        "    server._pg_ctl('stop', '-m', 'immediate')\n"
        "    return real(*arguments)\n"
        "build._built = crashing\n"
        "try:\n"
        f"    stages.transform({build_id}, 'staging')\n"
        "except ConnectionBroken as error:\n"
        "    print('told:', error)\n"
    )
    try:
        assert "told: " in run(f"exec({crash!r})")
    finally:
        server.start()
    _go_on(build_id)
    stages.publish(build_id)
    after = _contents()
    one_more = ("ops.publications", "publications", "kpi_daily_history")
    assert {t: after[t] for t in after if t not in one_more} == {
        t: before[t] for t in before if t not in one_more
    }


def test_a_night_started_twice_at_once_waits_for_the_other(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, twins[1])
    before = _published()
    both = [start(f"stages.whole_night({DATE})") for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("a night's work is under way: waiting for the night of" in text for text in said) == [
        False,
        True,
    ]
    assert _published() == before


def test_a_night_beside_airflows_own_is_refused_and_a_build_that_a_gate_refused_is_published_by_nobody(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, twins[1])
    before, publications = _published(), _publications()
    earlier = publications[-1][1]
    build_id = stages.begin_build(NIGHT.isoformat(), AIRFLOW)
    stages.gate(build_id, "landed")

    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0.02")
    beside = subprocess.run(
        [sys.executable, "-m", "revlog", "night", NIGHT.isoformat()],
        cwd=ROOT, env=process_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert beside.returncode == 1
    assert f"build {build_id} of the night of {NIGHT} is under way, begun by {AIRFLOW} at 20" in beside.stderr

    for layer in stages.LAYERS:
        stages.transform(build_id, layer)
    stages.gate(build_id, "core")
    # One of each domain: a build of which one may go is published for that one.
    with _emptied("build.refund_reconciliation"), _emptied("build.publication"):
        with pytest.raises(NightFailed, match=r"[1-9] critical failed"):
            stages.gate(build_id, "publish")
        with pytest.raises(NightFailed, match="may not be published: gate publish said no: Gate publish for"):
            stages.publish(build_id)
        with pytest.raises(NightFailed, match=f"build {build_id} has begun since"):
            stages.publish(earlier)
        done = CliRunner().invoke(app, ["publish", str(build_id)])
        assert done.exit_code == 1 and "gate publish said no" in done.stderr
        assert (_published(), _publications()) == (before, publications)
    stages.gate(build_id, "publish")
    stages.publish(build_id)
    assert _publications() == [*publications, (NIGHT, build_id)]


def _publications() -> list[tuple[Any, ...]]:
    with connect("auditor") as connection:
        return connection.execute(
            "select business_date, build_id from ops.publications order by publication_id"
        ).fetchall()


@contextlib.contextmanager
def _emptied(table: str) -> Iterator[None]:
    """Let a table be without rows."""
    kept = f"public.kept_{table.split('.')[1]}"
    with connect("admin", autocommit=True) as connection:
        connection.execute(f"create table {kept} as table {table}")
        connection.execute(f"truncate {table}")
        yield
        connection.execute(f"insert into {table} table {kept}")
        connection.execute(f"drop table {kept}")


MISTYPED = dt.date(2062, 2, 1)


def test_a_mistyped_date_is_refused_before_anything_is_written(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, twins[1])
    before = _contents() | _books()
    done = CliRunner().invoke(nightly, ["night", MISTYPED.isoformat()])
    assert done.exit_code == 1
    assert "2062-02-01 lies ahead" in done.stderr and "Nothing was written" in done.stderr
    assert _contents() | _books() == before


def test_a_clock_that_a_mistyped_date_has_moved_is_moved_back(
    twins: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(monkeypatch, twins[1])
    before = fingerprints("marts", "finance")
    with monkeypatch.context() as earlier:
        # As a version did that asked for no file near.
        earlier.setattr(clock, "today", lambda: MISTYPED)
        earlier.setenv("DAYS_PAST_NEWEST_FILE", "20000")
        accept("crm_cases", MISTYPED, "a night without files")
        stages.whole_night(MISTYPED.isoformat(), lambda line: None)
    assert fingerprints("marts", "finance")["publication"] != before["publication"]
    with pytest.raises(NightFailed, match=r"clock stands at 2062-02-01.*revlog warehouse set-clock"):
        stages.whole_night(NIGHT.isoformat(), lambda line: None)

    done = CliRunner().invoke(app, ["set-clock", NIGHT.isoformat(), "--reason", "a slip of the hand"])
    assert done.exit_code == 0, done.output
    stages.whole_night(NIGHT.isoformat(), lambda line: None)
    after = fingerprints("marts", "finance")
    of_publications = {t for t in before if t.endswith("__history")} | {
        "publications", "kpi_daily_history", "kpi_changes",
    }  # fmt: skip
    assert {t: (before[t], after[t]) for t in before.keys() - of_publications if before[t] != after[t]} == {}
    with connect("bi_reader") as connection:
        shown, kept = (
            connection.execute(f"select count(*), max(business_date) from {what}").fetchone()
            for what in ("marts.kpi_daily", f"marts.kpi_daily_as_of('{NIGHT}')")
        )
    assert shown == kept
    assert kept is not None and kept[1] == NIGHT


def _books() -> dict[str, Any]:
    with connect("auditor") as connection:
        return {
            table: connection.execute(f"select count(*) from ops.{table}").fetchone()
            for table in ("builds", "build_steps", "stage_runs", "validation_results", "file_ledger")
        }
