"""Files that no layout takes, from the landing zone to the gate, the summary and the scorecard."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from revlog.commands.load import app
from revlog.gates.acceptance import accept
from revlog.gates.judging import GateFailed, run_gate
from revlog.ingestion.unclaimed import sweep
from revlog.reports.figures import read_figures
from revlog.reports.scorecard import page
from revlog.reports.scorecard_rows import read_scorecard_rows
from revlog.reports.summary import _files
from tests.integration.ingestion_landing import DAY, FEED, load, put, query, sale, sales

NEAR = f"erp/{FEED}_20260231.csv"


def _land(landing: Path) -> None:
    sales(landing, "20260201", sale("A"))
    put(landing, f"{FEED}_20260231.csv", "x", done=False)
    put(landing, "erp_Thumbs.db", "x", done=False)
    (landing / "archive").mkdir()
    load()


def test_the_book_holds_what_lies_there_now(fresh_database: Path) -> None:
    _land(fresh_database)
    assert len(sweep(DAY)) == 3
    assert query("select path, kind, feed, first_seen_on from ops.unclaimed_files order by 1") == [
        ("archive", "folder", None, DAY), ("erp/erp_Thumbs.db", "unknown", None, DAY),
        (NEAR, "impossible_date", FEED, DAY),
    ]  # fmt: skip
    later = DAY.replace(day=2)
    (fresh_database / "erp" / "erp_Thumbs.db").unlink()
    sweep(later)
    found = query("select path, first_seen_on, seen_on from ops.unclaimed_files order by 1")
    assert found == [("archive", DAY, later), (NEAR, DAY, later)]


def test_what_was_meant_for_a_feed_holds_the_night_until_it_is_mended_or_accepted(
    fresh_database: Path,
) -> None:
    _land(fresh_database)
    sweep(DAY)
    with pytest.raises(GateFailed) as failed:
        run_gate("landed", DAY)
    message = str(failed.value)
    assert "nearly_a_feeds_file" in message and f"file={NEAR}" in message and f"feed={FEED}" in message
    accept(FEED, DAY, "left over from a test")
    warned = {c.check: c for c in run_gate("landed", DAY).checks if not c.success}
    assert warned["unclaimed_files"].unexpected_count == 3
    (fresh_database / NEAR).unlink()
    sweep(DAY)
    assert query("select count(*) from ops.unclaimed_files") == [(2,)]


def test_people_are_told_in_the_terminal_in_the_summary_and_on_the_page(fresh_database: Path) -> None:
    _land(fresh_database)
    told = CliRunner().invoke(app, [str(DAY)]).stderr
    assert f"no layout takes  {NEAR}: its date is none" in told
    console = Console(record=True, width=200)
    _files(console, read_figures())
    assert f"no layout takes: {NEAR}" in console.export_text()
    shown = page(read_scorecard_rows())
    assert NEAR in shown and "erp/erp_Thumbs.db" in shown and "files that no layout takes" in shown


def test_a_broken_contract_keeps_no_other_feed_from_being_loaded(
    fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "erp_items.yml").write_text("layouts:\n  own: {file: 'i_{date}.csv', formt: csv}\n")
    own = f"layouts:\n  own: {{file: '{FEED}_{{date}}.csv', format: csv, delimiter: \"\\t\","
    own += " timestamp: {format: '%Y-%m-%d %H:%M:%S', zone: UTC}}\n"
    (tmp_path / f"{FEED}.yml").write_text(own)
    monkeypatch.setenv("COMPANY", str(tmp_path))
    sales(fresh_database, "20260131", sale("A"))
    done = CliRunner().invoke(app, [str(DAY)])
    assert done.exit_code == 1 and "erp_items was not loaded: erp_items.yml" in done.stderr
    assert query("select name, status from ops.file_ledger") == [(f"{FEED}_20260131.csv", "loaded")]
