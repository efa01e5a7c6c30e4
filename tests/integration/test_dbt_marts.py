"""Marts after late, corrected, repeated and killed nights, against one build of the same files."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from revlog.builds import domains
from revlog.catalog.collect import collect, read_artifacts
from revlog.config.settings import ROOT, settings
from revlog.contracts.contract import feeds
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.publication.publish import publish
from revlog.transform import build, dbt_process, outcomes, pages, project, tables
from simulator.company import Company
from simulator.habits import DENSE
from simulator.run import simulate
from tests.nights import begin, build_night, passes
from tests.tables import Prints, fingerprints

pytestmark = pytest.mark.long

HISTORY_END = dt.date(2026, 1, 31)
NIGHTS = [HISTORY_END + dt.timedelta(days=n) for n in range(3)]
HELD_BACK = ("erp_sales_lines", "wms_return_receipts", "wms_dispositions", "crm_refunds", "erp_fx_rates")
MARTS = ROOT / "dbt_project" / "models" / "marts"
STEPS = ROOT / "dbt_project" / "models" / "intermediate" / "marts" / "finance"
BOOKS = ("history", "closing")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landing zone of a small company: a history and two nights."""
    folder = tmp_path_factory.mktemp("company")
    simulate(
        Company(
            out=folder / "landing", truth=folder / "truth", order_lines=1500, seed=5,
            start=dt.date(2025, 8, 1), history_end=HISTORY_END, nights=2, dirt=1.0,
            night_order_lines=60, habits=DENSE,
        )
    )  # fmt: skip
    return folder / "landing"


@pytest.fixture(scope="module")
def nightly(company: Path, database: Path) -> Prints:
    """Marts after nights whose files came late and corrected, and whose builds were killed half way."""
    _hand_over(company, database, NIGHTS[0])
    _night(NIGHTS[0])

    _hand_over(company, database, NIGHTS[1])
    late = [_move(file, company) for feed in HELD_BACK for file in _files(database, feed, NIGHTS[1])]
    assert len(late) > len(HELD_BACK)
    _night(NIGHTS[1])

    for file in late:
        _move(file, database)
    _hand_over(company, database, NIGHTS[2])
    _halve(_files(database, "erp_sales_lines", NIGHTS[1])[0])
    _halve(_files(database, "wms_return_receipts", NIGHTS[2])[0])
    _ingest(NIGHTS[2])
    build_id = _begin(NIGHTS[2])
    # Killed while contributions are posted to their sums, and again when they have been.
    with _locked("kpi_sums"):
        _kill_when_blocked(build_id)
    assert not _posted()
    with _locked("kpi_cells"):
        _kill_when_blocked(build_id)
    assert _posted()
    _night(NIGHTS[2])
    return _fingerprints("build")


def test_nights_in_any_order_equal_one_full_build(
    nightly: Prints, database: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDING_URL", str(database))
    _night(NIGHTS[-1])
    rebuilt = _fingerprints("build")
    assert {t: (nightly[t], rebuilt[t]) for t in nightly if nightly[t] != rebuilt.get(t)} == {}
    assert nightly.keys() == rebuilt.keys()


# Nothing got worse in this company, of which nothing is said then.
SILENT = {"quality_alerts", "quality_alert_evidence"}


def test_the_marts_hold_something(nightly: Prints) -> None:
    assert {table for table, (rows, _) in nightly.items() if rows == 0} == SILENT


def test_the_columns_of_a_table_are_those_described(nightly: Prints) -> None:
    nodes = json.loads((project.target() / "manifest.json").read_text())["nodes"].values()
    said = {
        (node["schema"], node["name"]): set(node["columns"])
        for node in nodes
        if node["resource_type"] in ("model", "seed")
    }
    with connect("auditor") as connection:
        rows = connection.execute(
            "select table_schema, table_name, array_agg(column_name::text)"
            " from information_schema.columns group by table_schema, table_name"
        )
        found = {(schema, name): set(columns) for schema, name, columns in rows}
    assert {t: found.get(t, set()) ^ said[t] for t in said if found.get(t) != said[t]} == {}


def test_what_is_published_by_change_logs_is_what_was_built(nightly: Prints) -> None:
    published = _fingerprints("marts") | _fingerprints("finance")
    assert {table: print_ for table, print_ in nightly.items() if table in published} == published


def test_every_key_of_a_fact_leads_to_a_row_of_its_dimension(nightly: Prints) -> None:
    wanted = {key.name for table in tables.published_tables() for key in table.foreign_keys}
    with connect("auditor") as connection:
        rows = connection.execute("select conname from pg_constraint where contype = 'f' and convalidated")
        assert wanted - {name for (name,) in rows} == set()
    assert len(wanted) > 25


def test_a_night_without_news_writes_only_what_the_clock_moves(nightly: Prints, database: Path) -> None:
    date = NIGHTS[-1] + dt.timedelta(days=1)
    counts = publish(build_night(date)).tables
    assert counts["marts.publication"] == {"deleted": 1, "inserted": 1}
    assert counts["marts.return_positions"]["inserted"] < 0.05 * nightly["return_positions"][0]
    assert 0 < counts["marts.kpi_cells"]["inserted"] < 0.15 * nightly["kpi_cells"][0]


def test_the_unit_tests_of_the_models_pass(nightly: Prints) -> None:
    """They need built relations for the types of columns only; a night does not run them."""
    done = dbt_process.run(["test", "--select", "test_type:unit"])
    assert done.returncode == 0, done.stdout[-5000:]
    assert len(outcomes.read(project.target() / "run_results.json")) >= 90


def test_a_feed_holds_what_reads_it(nightly: Prints) -> None:
    """By lineage; of the groups that marts' over-refunds read they take no journal."""
    manifest = json.loads((project.target() / "manifest.json").read_text())
    nodes, children = manifest["nodes"], manifest["child_map"]

    def readers(name: str) -> set[str]:
        """Schemas of the published tables that read it. Which units a night touches is no figure."""
        found, waiting, seen = set[str](), [name], set[str]()
        while waiting:
            below = {
                c for c in children[waiting.pop()] if c.startswith("model.") and ".int_touched_" not in c
            }
            for child in below - seen:
                if schema := (nodes[child]["config"].get("meta") or {}).get("publish_to"):
                    found.add(schema)
            waiting += below - seen
            seen |= below
        return found

    sources = {source["name"]: key for key, source in manifest["sources"].items()}
    holds = {feed: set(domains.of_feeds([feed])) for feed in feeds()}
    assert {feed: readers(sources[feed]) for feed in feeds() if feed != "erp_gl_entries"} == {
        feed: held for feed, held in holds.items() if feed != "erp_gl_entries"
    }
    assert holds["erp_payment_settlements"] == {"marts", "finance"}


def test_docs_of_a_warehouse_that_runs_know_what_a_kpi_is_made_of(nightly: Prints) -> None:
    pages.write_docs()
    book = collect(read_artifacts(project.target()))
    assert [kpi.name for kpi in book.kpis.values() if not kpi.made_of] == []


def test_another_night_is_no_reason_to_parse_the_project_anew(nightly: Prints) -> None:
    build_id = begin(NIGHTS[-1] + dt.timedelta(days=2))
    before = _times_parsed()
    build.run_layer(build_id, "staging")
    assert _times_parsed() == before


def _times_parsed() -> int:
    logs = (settings().var / "dbt" / "logs").glob("dbt.log*")
    return sum(log.read_text().count("Unable to do partial parsing") for log in logs)


def _ingest(date: dt.date) -> None:
    for feed in feeds():
        load_feed(feed, date, lambda line: None)


def _begin(date: dt.date) -> int:
    build_id = begin(date)
    build.run_layer(build_id, "staging")
    build.run_layer(build_id, "core")
    passes(build_id, "core")
    return build_id


def _night(date: dt.date) -> None:
    _ingest(date)
    publish(build_night(date))


@contextlib.contextmanager
def _locked(table: str) -> Iterator[None]:
    """Keep the build from writing a table."""
    with connect("transformer") as connection:
        connection.execute(f"lock table build.{table} in share row exclusive mode")
        yield


def _posted() -> bool:
    """Whether the open build has changed the sums."""
    with connect("auditor") as connection:
        row = connection.execute(
            "select count(*) > 0 from build.kpi_sums__changes"
            " where build_id = (select max(build_id) from ops.builds)"
        ).fetchone()
    return row == (True,)


def _kill_when_blocked(build_id: int) -> None:
    """Run the layer marts in a process of its own and kill it once all it can do is wait."""
    child = subprocess.Popen(
        [sys.executable, "-c", f"from revlog.transform import build; build.run_layer({build_id}, 'marts')"],
        cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_until_blocked(child)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    # Their client is gone: the server ends the statements that waited (1 s), and rolls them back.
    _wait_for("select count(*) = 0 from pg_stat_activity where wait_event_type = 'Lock'")


def _wait_until_blocked(child: subprocess.Popen[bytes]) -> None:
    _wait_for(
        "select bool_or(state = 'active')"
        " and bool_and(wait_event_type = 'Lock') filter (where state = 'active')"
        # Only the one who locks, and the layer's hold on the night, are in the middle of something.
        " and count(*) filter (where state = 'idle in transaction') = 2"
        " from pg_stat_activity where usename = 'transformer' and datname = current_database()",
        child,
    )


def _wait_for(query: str, child: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until the query has said yes three times in a row."""
    deadline, yes = time.monotonic() + 120, 0
    while yes < 3:
        assert child is None or child.poll() is None, "the build ended although a table was locked"
        assert time.monotonic() < deadline, f"never true: {query}"
        with connect("admin") as connection:
            row = connection.execute(query).fetchone()
        yes = yes + 1 if row == (True,) else 0
        time.sleep(0.3)


def _fingerprints(*schemas: str) -> Prints:
    """Every table and view, but the steps of the reconciliation that hold only the groups of the night, and
    what tells of publications and of closed periods."""
    steps = {p.stem for p in STEPS.glob("*.sql") if "replace_touched" not in p.read_text()}
    books = {p.stem for folder in BOOKS for p in (MARTS / folder).glob("*.sql")}
    assert len(steps) > 10 and len(books) > 10
    # `histories` is the publisher's: nothing builds it.
    return fingerprints(*schemas, skip=(steps | books | {"histories"}) - {"refund_open_groups"})


def _hand_over(company: Path, landing: Path, date: dt.date) -> None:
    """Move the files up to `date` that have not been handed over yet."""
    for file in sorted(company.rglob("*")):
        stamp = next((p for p in file.name.replace(".", "_").split("_") if len(p) == 8 and p.isdigit()), "")
        if file.is_file() and stamp and stamp <= f"{date:%Y%m%d}":
            target = landing / file.relative_to(company)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, target)


def _files(landing: Path, feed: str, date: dt.date) -> list[Path]:
    return sorted((landing / feed.split("_")[0]).glob(f"{feed}_{date:%Y%m%d}*"))


def _move(file: Path, folder: Path) -> Path:
    target = folder / file.parent.name / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file, target)
    return target


def _halve(file: Path) -> None:
    """Correct a file: the second half of its rows is gone."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2 + 1]))
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))
