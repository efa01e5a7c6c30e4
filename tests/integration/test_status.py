"""What `make status` says of a warehouse, from before its first night to one that is held."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.load import load_feed
from nightly import stages
from nightly.errors import NightFailed
from nightly.status import app
from tests.integration.gate_landing import put, requests, sales
from warehouse import locks
from warehouse.connections import connect

DAY = dt.date(2026, 1, 12)
FEED = "erp_sales_lines"


def _status() -> dict[str, list[str]]:
    """Lines by the heading that they stand under."""
    run = CliRunner().invoke(app)
    assert run.exit_code == 0, run.output
    found: dict[str, list[str]] = {}
    for line in run.output.splitlines():
        head, text = line[:14].strip(), line[14:]
        if head:
            under = found[head] = []
        under.append(text.strip())
    return found


def test_before_the_first_night_it_says_how_to_begin(fresh_database: Path) -> None:
    said = _status()
    assert "make night DATE=" in said["Published"][0]
    assert said["Running"] == ["nothing"] and said["Failed"] == ["nothing"]
    assert said["Landing zone"] == [f"{fresh_database}: 0 files wait to be loaded"]


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
    assert said["Failed"][1].startswith("rejected_files on ops.file_ledger: 1 row")
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
