"""A night that is killed in each of its stages, and run again, ends as one that nothing disturbed."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nightly import stages
from simulator.company import Company
from simulator.run import simulate
from tests.machinery.worker import PATIENCE_SECONDS, killed_while_waiting_for, run, start
from tests.tables import fingerprints
from warehouse import connections, server
from warehouse.connections import connect

pytestmark = pytest.mark.long

HISTORY, NIGHT = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
DATE = f"'{NIGHT}'"
# (where it is killed, the table it then waits for, the stage that is killed and run again)
KILLS = (
    ("in the COPY of a file", "raw.crm_customers", f"stages.ingest('crm_customers', {DATE})"),
    ("before the ledger's row", "ops.file_ledger", f"stages.ingest('erp_sales_lines', {DATE})"),
    ("in staging", "staging.stg_erp__sales_lines", "stages.transform('staging')"),
    ("in core", "core.fct_receipt", "stages.transform('core')"),
    ("in the marts", "build.kpi_daily", "stages.transform('marts')"),
    ("in publishing", "marts.kpi_daily", f"(stages.finish_build(), stages.publish({DATE}))"),
    ("in the report", "marts.kpi_definitions", f"stages.report({DATE})"),
)
SCHEMAS = ("raw", "core", "marts", "finance")


@pytest.fixture(scope="module")
def twins(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Two warehouses that are equal up to the history of a small company; a night has landed for both."""
    simulate(
        Company(
            out=database, truth=tmp_path_factory.mktemp("truth"), order_lines=800, seed=5,
            start=dt.date(2025, 9, 1), history_end=HISTORY, nights=1, night_order_lines=60,
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
    for where, table, stage in KILLS:
        if "transform('staging')" in stage:
            _ingest_the_rest()
            stages.gate("landed", NIGHT.isoformat())
            stages.begin_build(NIGHT.isoformat())
        killed_while_waiting_for(table, stage)
        if "report" not in stage:
            assert _published() == before, f"killed {where}, and yet readers see something else"
        run(stage)
    assert _contents() == expected


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
    stages.begin_build(NIGHT.isoformat())
    crash = (
        "from warehouse import server, build; from nightly.errors import ConnectionBroken\n"
        "real = build._dbt\n"
        "def crashing(arguments):\n"
        "    server._pg_ctl('stop', '-m', 'immediate')\n"
        "    return real(arguments)\n"
        "build._dbt = crashing\n"
        "try:\n"
        "    stages.transform('staging')\n"
        "except ConnectionBroken as error:\n"
        "    print('told:', error)\n"
    )
    try:
        assert "told: " in run(f"exec({crash!r})")
    finally:
        server.start()
    for layer in stages.LAYERS:
        stages.transform(layer)
    stages.finish_build()
    stages.publish(NIGHT.isoformat())
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
    assert sorted("another night is running; waiting" in text for text in said) == [False, True]
    assert _published() == before
