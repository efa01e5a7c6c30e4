"""A build from its opening to its end: who goes on with it, who takes its place, when it may be published."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import psycopg
import pytest

from revlog.builds import judged
from revlog.builds.judged import BuildRefused
from revlog.database.connections import connect
from revlog.database.locks import Busy
from revlog.publication.publish import publish
from revlog.transform import build
from tests.integration.ingestion_landing import query, sale, sales
from tests.nights import finished_build, passes

DAY, NEXT = dt.date(2026, 2, 1), dt.date(2026, 2, 2)
AIRFLOW = "Airflow, build_marts, a run"


@pytest.fixture(autouse=True)
def _landed(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sales(fresh_database, "20260201", sale("A"))
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0")


def _layer(build_id: int, layer: str) -> None:
    with judged.step(build_id, f"layer {layer}"):
        pass


def _good(build_id: int) -> None:
    passes(build_id, "landed")
    for layer in build.LAYERS:
        _layer(build_id, layer)
    passes(build_id, "core")
    passes(build_id, "publish")


def _status(build_id: int) -> str:
    return str(query("select status from ops.builds where build_id = %s", build_id)[0][0])


class SaidNo(Exception):
    """A verdict."""


def _refuse(build_id: int, gate: str) -> None:
    with pytest.raises(SaidNo), judged.step(build_id, f"gate {gate}", (SaidNo,)):
        raise SaidNo("9 critical failed\nand more")


def test_a_build_that_airflow_goes_on_with_is_not_taken_over_and_who_asks_is_told_whose_it_is() -> None:
    first = build.begin(DAY, holder=AIRFLOW).build_id
    passes(first, "landed")
    with pytest.raises(Busy) as busy:
        build.begin(NEXT)
    said = f"build {first} of the night of 2026-02-01 is under way, begun by {AIRFLOW} at 20"
    assert str(busy.value).startswith(said)
    assert "UTC; its last step was gate landed at" in str(busy.value)
    _layer(first, "staging")
    assert _status(first) == "building"


def test_who_waits_long_enough_takes_the_place_of_a_build_that_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "1")
    monkeypatch.setattr(judged, "POLL_SECONDS", 0.1)
    first = build.begin(DAY, holder=AIRFLOW).build_id
    passes(first, "landed")
    threading.Timer(0.5, _refuse, [first, "core"]).start()
    second = build.begin(NEXT).build_id
    assert (_status(first), _status(second)) == ("failed", "building")


@pytest.mark.parametrize("rested", ["1 minute", "16 minutes"])
def test_a_build_may_rest_for_a_quarter_of_an_hour_and_no_longer(rested: str) -> None:
    first = build.begin(DAY, holder=AIRFLOW).build_id
    with connect("admin") as connection:
        connection.execute(f"update ops.builds set started_at = now() - interval '{rested}'")
    if rested == "1 minute":
        with pytest.raises(Busy):
            build.begin(NEXT)
        return
    second = build.begin(NEXT).build_id
    with pytest.raises(BuildRefused, match=f"build {second} has begun since, in its place.*clear begin"):
        passes(first, "landed")
    assert _status(first) == "failed"


def test_a_build_whose_process_is_gone_is_taken_over_at_once() -> None:
    first = build.begin(DAY).build_id
    build.begin(NEXT)
    assert _status(first) == "failed"


def test_a_run_that_begins_again_takes_the_place_of_its_own_build() -> None:
    first = build.begin(DAY, holder=AIRFLOW).build_id
    build.begin(DAY, holder=AIRFLOW)
    assert _status(first) == "failed"


def test_a_refused_build_may_be_judged_anew_until_another_begins_and_then_never_again() -> None:
    first = build.begin(DAY, holder=AIRFLOW).build_id
    _good(first)
    _refuse(first, "publish")
    with pytest.raises(BuildRefused, match=r"gate publish said no: 9 critical failed\. Mend the cause"):
        judged.finish(first)
    passes(first, "publish")
    _refuse(first, "publish")
    second = build.begin(NEXT).build_id
    for act in (lambda: passes(first, "publish"), lambda: judged.finish(first), lambda: publish(first, [])):
        with pytest.raises(BuildRefused, match=f"build {second} has begun since"):
            act()


def test_a_finished_build_stays_finished_however_often_asked_and_its_layers_stay_as_they_were_judged() -> (
    None
):
    only = build.begin(DAY, holder=AIRFLOW).build_id
    _good(only)
    assert judged.finish(only) == judged.finish(only)
    with pytest.raises(BuildRefused, match="is finished and stays as it was judged"):
        _layer(only, "marts")
    passes(only, "core")
    assert publish(only, []).is_new


@pytest.mark.parametrize(
    ("again", "why"),
    [
        ("staging", "layer core has not run since layer staging has"),
        ("core", "gate core has not run since layer core has; layer marts has not run since layer core has"),
        ("marts", "gate publish has not run since layer marts has"),
    ],
)
def test_a_layer_that_is_built_again_has_to_be_judged_again(again: str, why: str) -> None:
    only = build.begin(DAY, holder=AIRFLOW).build_id
    _good(only)
    _layer(only, again)
    with pytest.raises(BuildRefused, match=why):
        judged.finish(only)


def test_what_lands_before_staging_reads_it_has_to_be_judged() -> None:
    only = build.begin(DAY, holder=AIRFLOW).build_id
    passes(only, "landed")
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes, modified_at,"
            " status, started_at, changed_seq) values ('x', 'x', 'x', 'x', 1, now(), 'loaded', now(), 7)"
        )
    for layer in build.LAYERS:
        _layer(only, layer)
    passes(only, "core")
    passes(only, "publish")
    with pytest.raises(BuildRefused, match="gate landed has not judged what has landed since"):
        judged.finish(only)
    passes(only, "landed")
    judged.finish(only)
    assert query("select to_seq from ops.builds") == [(7,)]


def test_a_step_that_was_killed_is_no_verdict() -> None:
    only = build.begin(DAY, holder=AIRFLOW).build_id
    _good(only)
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.build_steps (build_id, step, to_seq) values (%s, 'gate publish', 0)", [only]
        )
    with pytest.raises(BuildRefused, match="gate publish did not end"):
        judged.finish(only)


def test_a_backfilled_night_is_published_under_its_own_date_and_built_as_of_the_clock() -> None:
    publish(finished_build(NEXT), [])
    late = build.begin(DAY, holder=AIRFLOW)
    assert (late.run_date, late.business_date) == (DAY, NEXT)
    _good(late.build_id)
    judged.finish(late.build_id)
    assert publish(late.build_id, []).business_date == DAY
    assert query("select business_date from ops.publications order by publication_id") == [(NEXT,), (DAY,)]


def test_who_builds_writes_no_verdict_and_who_judges_builds_nothing() -> None:
    only = build.begin(DAY, holder=AIRFLOW).build_id
    passes(only, "landed")
    for role, step in (("transformer", "gate publish"), ("validator", "layer marts")):
        with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "insert into ops.build_steps (build_id, step, to_seq, outcome) values (%s, %s, 0, 'good')",
                [only, step],
            )
    with connect("transformer") as connection:
        assert connection.execute("update ops.build_steps set outcome = 'good'").rowcount == 0


def test_a_database_has_one_open_build() -> None:
    build.begin(DAY)
    with connect("transformer") as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status)"
            " values ('2026-02-01', 0, 0, 'building')"
        )


def test_a_build_of_a_version_that_kept_no_verdicts_is_not_published() -> None:
    with connect("admin") as connection:
        connection.execute(
            "insert into ops.builds (business_date, from_seq, to_seq, status)"
            " values ('2026-02-01', 0, 0, 'built')"
        )
    ((old,),) = query("select max(build_id) from ops.builds")
    with pytest.raises(BuildRefused, match="gate landed has not run"):
        publish(old, [])


def test_there_is_no_such_build() -> None:
    with pytest.raises(BuildRefused, match="there is no build 99"):
        publish(99, [])


def test_a_finished_build_is_not_published_once_another_writes_into_its_tables() -> None:
    first = build.begin(DAY, holder=AIRFLOW).build_id
    _good(first)
    judged.finish(first)
    second = build.begin(NEXT, holder=AIRFLOW).build_id
    _layer(second, "staging")
    with pytest.raises(BuildRefused, match=f"build {second} has begun since"):
        publish(first, [])
    assert query("select count(*) from ops.publications") == [(0,)]
