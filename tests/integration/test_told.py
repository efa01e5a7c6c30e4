"""What a night tells of its files: counts by the ledger, lineage by file, findings with their owner."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from revlog.builds.published import Published
from revlog.commands.night import app
from revlog.database.connections import connect
from revlog.ingestion.load import load_feed
from revlog.local import progress
from revlog.night import lineage, notices, stages
from revlog.night.errors import NightFailed
from revlog.transform import tables
from tests.integration.gate_landing import SALES, put, sales, sales_row

DAY = dt.date(2026, 1, 12)
FEED = "erp_sales_lines"


def test_a_source_has_landed_with_what_the_night_took_however_often_it_was_tried(
    fresh_database: Path,
) -> None:
    sales(fresh_database, DAY - dt.timedelta(days=1), 3)
    sales(fresh_database, DAY, 4)
    put(fresh_database, f"erp_fx_rates_{DAY:%Y%m%d}.csv", "<html>502 Bad Gateway</html>\n")
    for feed in (FEED, "erp_fx_rates", FEED, "erp_fx_rates"):
        load_feed(feed, DAY)
    told = stages.landed("erp", str(DAY))
    assert told.startswith("ERP: 2 files, 7 rows loaded, 0 quarantined, 0 duplicate\n")
    assert (told.facts["files"], told.facts["rows"], told.facts["business_date"]) == (2, 7, str(DAY))
    (refused,) = told.facts["refused"]
    assert refused.startswith(f"erp_fx_rates_{DAY:%Y%m%d}.csv (erp_fx_rates): ")
    assert f"refused: {refused}" in told.splitlines()


def test_each_loaded_file_is_a_step_from_its_columns_to_the_raw_table(fresh_database: Path) -> None:
    path = sales(fresh_database, DAY, 4)
    load_feed(FEED, DAY)
    (step,) = lineage.of_feed(FEED, DAY)
    assert step.inputs == (lineage.Place("file", str(path)),)
    with connect("auditor") as reader:
        server, name = f"postgres://{reader.info.host}:{reader.info.port}", reader.info.dbname
    assert step.output == lineage.Place(server, f"{name}.raw.{FEED}")
    assert [o.column for o in step.columns["net_amount"]] == ["net_amount"]
    assert step.columns["customer_id"][0].masked and not step.columns["order_no"][0].masked
    assert "_file_id" not in step.columns and step.types["_file_id"] == "bigint"


def test_views_and_histories_that_people_read_are_told_with_what_they_read(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, its history, a view over the table, and a view of the domain that was not published."""
    given = [
        Published("places", "marts", ("sku",)),
        Published("places__history", "marts", ("sku",), is_view=True, history_of="places"),
        Published("places_now", "marts", ("sku",), is_view=True),
        Published("owed_now", "finance", ("sku",), is_view=True),
    ]
    monkeypatch.setattr(tables, "published_tables", lambda: given)
    with connect("admin") as connection:
        connection.execute(
            "create table build.places (sku text primary key, since date);"
            "create table marts.places (like build.places);"
            "create table marts.places__history (sku text, since date, from_publication bigint);"
            "create view marts.places_now as select sku, date '2026-01-12' - since as days from marts.places;"
            "create view finance.owed_now as select sku from marts.places"
        )
        name = connection.info.dbname
    steps = {step.job: step for step in lineage.of_publication(["marts.places"])}
    assert {job: step.output.name for job, step in steps.items()} == {
        "publish.places": f"{name}.marts.places",
        "publish.places__history": f"{name}.marts.places__history",
        "publish.places_now": f"{name}.marts.places_now",
    }

    def origins(job: str) -> dict[str, list[str]]:
        columns = steps[job].columns.items()
        return {c: [f"{o.place.name.partition('.')[2]}.{o.column}" for o in found] for c, found in columns}

    copied = {"sku": ["build.places.sku"], "since": ["build.places.since"]}
    assert origins("publish.places") == origins("publish.places__history") == copied
    assert origins("publish.places_now") == {"sku": ["marts.places.sku"], "days": ["marts.places.since"]}


def test_a_refused_file_holds_the_night_and_is_told_with_file_owner_and_remedy(fresh_database: Path) -> None:
    name = f"{FEED}_{DAY:%Y%m%d}.csv"
    put(fresh_database, name, "<html><body>502 Bad Gateway</body></html>\n")
    load_feed(FEED, DAY)
    build_id = stages.begin_build(str(DAY))
    with pytest.raises(NightFailed) as failed:
        stages.gate(build_id, "landed")
    (found,) = [f for f in failed.value.findings if f.check == "rejected_files"]
    facts = dict(found.facts())
    assert (facts["check"], facts["rows"]) == ("rejected_files on ops.file_ledger", "1")
    assert (facts["file"], facts["owner"]) == (name, "ERP team")
    assert facts["holds back"] == "marts and finance"
    assert facts["to do"].startswith("Ask the source for the file again.")


def test_rows_in_quarantine_hold_the_night_and_notice_and_status_count_them(
    fresh_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 good rows, then 25 without a number where one must be: the first of them is line 32."""
    rows = [sales_row(DAY, n) for n in range(30)] + [sales_row(DAY, n, quantity="x") for n in range(30, 55)]
    name = f"{FEED}_{DAY:%Y%m%d}.csv"
    put(fresh_database, name, "\r\n".join([SALES, *rows]) + "\r\n", "latin-1")
    load_feed(FEED, DAY)
    build_id = stages.begin_build(str(DAY))
    with pytest.raises(NightFailed) as failed:
        stages.gate(build_id, "landed")
    (found,) = [f for f in failed.value.findings if f.check == "quarantine_share"]
    assert (found.rows, found.file, found.line, found.owner) == (25, name, 32, "ERP team")
    monkeypatch.setenv("NOTIFY_CHANNEL", "log")
    instance = SimpleNamespace(dag_id="build_marts", task_id="gate_landed", xcom_push=lambda **_: None)
    notices.failed({"task_instance": instance, "exception": failed.value})
    kept = json.loads(notices.notices_file().read_text().splitlines()[-1])
    assert [f["rows"] for f in kept["findings"] if f["check"] == "quarantine_share"] == [25]
    run = CliRunner().invoke(app, ["status"])
    assert run.exit_code == 0, run.output
    assert f"quarantine_share on ops.quarantine: 25 rows, {name}, line 32" in run.output


def test_a_night_that_ended_is_kept_with_its_whole_time(fresh_database: Path) -> None:
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.builds (business_date, run_date, from_seq, to_seq, status, is_full_refresh,"
            " definitions) values (%(day)s, %(day)s, 0, 0, 'built', true, '')",
            {"day": DAY},
        )
        connection.execute(
            "insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at)"
            " values (%(day)s, 'ingest', 'x', 'ok', now() - interval '9 minutes', now())",
            {"day": DAY},
        )
    for _ in range(2):
        stages._record_night(1)
    with connect("auditor") as reader:
        took = reader.execute(
            "select round(extract(epoch from finished_at - started_at)) from ops.stage_runs"
            " where stage = 'night'"
        ).fetchall()
    assert [int(seconds) for (seconds,) in took] == [540], "told once: no stage has run since"


def test_the_time_that_steps_usually_take_is_the_median_of_nights_of_the_kind(fresh_database: Path) -> None:
    """Three nights after a history: staging took 10, 20 and 60 s; gate landed ran once, for 4 s."""
    nights = [(DAY, True, 500)] + [
        (DAY + dt.timedelta(days=n), False, s) for n, s in ((1, 10), (2, 60), (3, 20))
    ]
    with connect("admin") as connection:
        for day, is_full, seconds in nights:
            connection.execute(
                "with b as (insert into ops.builds (business_date, run_date, from_seq, to_seq, status,"
                "  is_full_refresh, definitions, started_at)"
                "  values (%(day)s, %(day)s, 0, 0, 'built', %(full)s, '', now()) returning build_id),"
                " p as (insert into ops.publications (business_date, published_at, build_id, code_version,"
                "  from_seq, to_seq, files, tables) select %(day)s, now() + interval '5 minutes', build_id,"
                "  '', 0, 0, '[]', '{}' from b)"
                " insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at)"
                " values (%(day)s, 'dbt', 'staging', 'ok', now(), now() + make_interval(secs => %(took)s))",
                {"day": day, "full": is_full, "took": seconds},
            )
        connection.execute(
            "insert into ops.stage_runs (business_date, stage, detail, outcome, started_at, finished_at)"
            " values (%s, 'gate', 'landed', 'ok', now(), now() + interval '4 seconds')",
            [nights[1][0]],
        )
    assert progress._usual(is_first=False) == {"staging": 20.0, "gate_landed": 4.0}
    assert progress._usual(is_first=True) == {"staging": 500.0}
