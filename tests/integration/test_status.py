"""What `make status` says of a warehouse, from before its first night to one that is held."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revlog.commands.night import app
from revlog.config.settings import ROOT, process_environment
from revlog.database import locks, server
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.night import stages, status
from revlog.night.errors import NightFailed
from tests.integration.gate_landing import put, requests, sales

DAY = dt.date(2026, 1, 12)
FEED = "erp_sales_lines"


def _status() -> dict[str, list[str]]:
    """Lines by the heading that they stand under."""
    run = CliRunner().invoke(app, ["status"])
    assert run.exit_code == 0, run.output
    found: dict[str, list[str]] = {}
    for line in run.output.splitlines():
        head, text = line[:14].strip(), line[14:]
        if head:
            under = found[head] = []
        under.append(text.strip())
    return found


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59, "less than a minute"), (60, "1 minute"), (119 * 60, "119 minutes"), (120 * 60, "2 hours"),
        (48 * 3600 - 1, "47 hours"), (48 * 3600, "2 days"),
    ],
)  # fmt: skip
def test_a_span_is_told_as_people_say_it(seconds: int, said: str) -> None:
    assert status._ago(dt.timedelta(seconds=seconds)) == said


def test_before_the_first_night_it_says_how_to_begin(fresh_database: Path) -> None:
    said = _status()
    assert said["Published"][0] == "nothing yet"
    assert [line.split("  ")[0] for line in said["Published"][1:]] == [
        "make run", "make night DATE=…", "make up",
    ]  # fmt: skip
    assert said["Running"] == ["nothing"] and said["Failed"] == ["nothing"]
    assert said["Landing zone"] == [f"{fresh_database}: 0 files wait to be loaded"]


def test_before_anything_has_run_it_says_how_to_begin_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    said = _status()
    assert said["Published"][0] == "nothing yet: there is no warehouse here"
    assert list(said) == ["Published"]
    assert not list(tmp_path.iterdir()), "it makes none"


def test_a_server_that_is_stopped_is_started_to_be_asked(fresh_database: Path) -> None:
    server.stop()
    said = _status()
    assert "make down" in said["PostgreSQL"][0]
    assert said["Running"] == ["nothing"]
    assert server.is_running()
    assert "PostgreSQL" not in _status()


@pytest.mark.parametrize(
    "command",
    [
        ["load", "--business-date", str(DAY)], ["night", str(DAY)], ["period", "status"],
        ["warehouse", "psql", "bi_reader"], ["workbook", "2026-01"],
    ],
)  # fmt: skip
def test_every_command_says_how_to_start_a_server_that_is_stopped(
    fresh_database: Path, command: list[str]
) -> None:
    server.stop()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "revlog", *command],
            env=process_environment(),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
    finally:
        server.start()
    assert done.returncode != 0
    assert "PostgreSQL is stopped: .venv/bin/revlog warehouse start" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_does_not_answer_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://nobody@127.0.0.1:1/nothing")
    run = CliRunner().invoke(app, ["status"])
    assert run.exit_code == 1
    assert "Connection refused" in run.output and "What to do: docs/runbook.md" in run.output
    assert run.exception is None or isinstance(run.exception, SystemExit)


def test_a_part_that_cannot_be_told_costs_that_part_alone(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "select pg_catalog.no_such_function()"
    monkeypatch.setattr(status, "NEWEST", broken)
    run = CliRunner().invoke(app, ["status"])
    assert run.exit_code == 1
    assert "Failed        can't be told: UndefinedFunction: function pg_catalog.no_such" in run.output
    assert "Published     nothing yet" in run.output
    assert f"Landing zone  {fresh_database}: 0 files wait" in run.output


def test_between_two_loads_the_night_is_told(fresh_database: Path) -> None:
    sales(fresh_database, DAY, 3)
    stages.ingest(FEED, str(DAY))
    assert _status()["Running"] == [
        f"nothing at this moment; the night of {DAY} has no build yet: ingest {FEED} ended less than"
        " a minute ago"
    ]
    with connect("admin") as connection:
        connection.execute("update ops.stage_runs set finished_at = finished_at - interval '16 minutes'")
    assert _status()["Running"] == ["nothing"]


def test_a_narrow_terminal_gets_no_line_that_is_wider(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "<html><body>502 Bad Gateway</body></html>\n")
    load_feed(FEED, DAY)
    build_id = stages.begin_build(str(DAY))
    with pytest.raises(NightFailed):
        stages.gate(build_id, "landed")
    whole = CliRunner().invoke(app, ["status"]).output.split()
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(app, ["status"]).output.splitlines()
    # A path has no place to break it at.
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
    assert " ".join(lines).split() == whole, "and loses no word"


def test_what_waits_is_told_by_feed_until_it_is_loaded(fresh_database: Path) -> None:
    for back in (2, 1, 0):
        sales(fresh_database, DAY - dt.timedelta(days=back), 3)
    requests(fresh_database, DAY, 2)
    said = _status()["Landing zone"]
    assert said[0].endswith("4 files wait to be loaded")
    assert said[1:] == [
        f"{FEED}: 3 files of 2026-01-10 to 2026-01-12",
        "crm_return_requests: 1 file of 2026-01-12",
    ]
    load_feed(FEED, DAY)
    assert _status()["Landing zone"][1:] == ["crm_return_requests: 1 file of 2026-01-12"]


def test_a_refused_file_is_told_with_its_reason_and_does_not_wait(fresh_database: Path) -> None:
    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "<html><body>502 Bad Gateway</body></html>\n")
    load_feed(FEED, DAY)
    said = _status()["Landing zone"]
    assert said[0].endswith("0 files wait to be loaded")
    assert said[1].startswith(f"refused: {FEED}_{DAY:%Y%m%d}.csv ({FEED}): ")


def test_who_works_on_a_night_is_named(fresh_database: Path) -> None:
    with locks.hold(locks.NIGHT, "transformer", "the night of a test"):
        (said,) = _status()["Running"]
    assert said.startswith("the night of a test (transformer, process ")
    assert _status()["Running"] == ["nothing"]


def test_a_held_night_is_told_with_its_checks_and_remedy(fresh_database: Path) -> None:
    put(fresh_database, f"{FEED}_{DAY:%Y%m%d}.csv", "<html><body>502 Bad Gateway</body></html>\n")
    load_feed(FEED, DAY)
    build_id = stages.begin_build(str(DAY))
    with pytest.raises(NightFailed):
        stages.gate(build_id, "landed")
    said = _status()
    assert said["Running"] == ["nothing"]
    assert said["Failed"][0].startswith(
        f"gate landed of the night of {DAY} (build {build_id}): Gate landed for"
    )
    name = f"{FEED}_{DAY:%Y%m%d}.csv"
    at = said["Failed"].index(f"rejected_files on ops.file_ledger: 1 row, {name}")
    assert said["Failed"][at + 1].startswith("ERP team: Ask the source for the file again.")
    assert said["Failed"][-1] == (
        f"what to do: docs/runbook.md; then make night DATE={DAY}, or clear gate_landed"
    )


def test_what_stands_is_told_with_its_age_and_version(fresh_database: Path) -> None:
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.publications (business_date, published_at, code_version, from_seq, to_seq,"
            " files, tables) values (%s, now() - interval '3 hours', '0.2.0+abc', 0, 0, '[]', '{}')",
            [DAY],
        )
    assert _status()["Published"] == [
        f"the night of {DAY}, 3 hours ago (publication 1)",
        "by version 0.2.0+abc",
    ]


def test_a_domain_that_is_held_back_is_told_with_its_check(fresh_database: Path) -> None:
    with connect("admin") as connection:
        connection.execute(
            "with old as (insert into ops.publications (business_date, published_at, code_version, from_seq,"
            "  to_seq, files, tables) values (%(day)s - 1, now() - interval '27 hours', '', 0, 0, '[]', '{}')"
            "  returning publication_id),"
            " built as (insert into ops.builds (business_date, run_date, from_seq, to_seq, status,"
            "  is_full_refresh, definitions, held)"
            "  values (%(day)s, %(day)s, 0, 0, 'built', false, '', '{finance}') returning build_id),"
            " step as (insert into ops.build_steps (build_id, step, outcome, to_seq, held)"
            "  select build_id, 'gate core', 'good', 0, %(held)s from built)"
            " insert into ops.publications (business_date, published_at, build_id, code_version, from_seq,"
            "  to_seq, files, tables, domains, marts_from, finance_from)"
            " select %(day)s, now() - interval '3 hours', build_id, '', 0, 0, '[]', '{}', '{marts}',"
            "  currval(pg_get_serial_sequence('ops.publications', 'publication_id')), publication_id"
            " from built, old",
            {"day": DAY, "held": '{"finance": "batches_net on core: 1 row"}'},
        )
        connection.execute(
            "update ops.publications set marts_from = publication_id where domains = '{marts}'"
        )
    said = _status()
    assert said["Published"][:2] == [
        f"marts: the night of {DAY}, 3 hours ago (publication 2)",
        f"finance: the night of {DAY - dt.timedelta(days=1)}, 27 hours ago (publication 1)",
    ]
    assert said["Failed"] == [
        f"finance is held back by gate core of the night of {DAY}:",
        "batches_net on core: 1 row",
        "what to do: docs/runbook.md; the next night judges it again",
    ]
