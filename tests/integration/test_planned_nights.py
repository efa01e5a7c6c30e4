"""A night sends what dbt rendered for the night before; where anything is otherwise, dbt renders anew."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from revlog.database.connections import connect
from revlog.transform import build, dbt_process, outcomes, plan, project, replay
from revlog.transform.plan import Node, Plan, Statement
from tests.integration.ingestion_landing import DAY, load, query, sale, sales
from tests.nights import begin, build_night, newest, run_layers

DAYS = [DAY + dt.timedelta(days=n) for n in range(8)]
ASLEEP = Plan(
    "x",
    (),
    {
        "model.reverse_logistics.asleep": Node(
            (), (Statement("select pg_sleep(60)"),), 0, {"status": "success"}
        )
    },
)


# Relations of the schemas that dbt writes to, with all that the catalog says of them but names of indexes.
SHAPE = """
with relations as (
    select c.oid, n.nspname || '.' || c.relname as name, c.relkind, cast(c.relacl as text) as rights
    from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
    where n.nspname in ('staging', 'intermediate', 'core', 'build') and c.relkind in ('r', 'v')
)
select name, 'relation', concat(relkind, rights) from relations
union all
select name, 'index', regexp_replace(pg_get_indexdef(indexrelid), ' INDEX \\S+ ON ', ' INDEX ON ')
from relations inner join pg_index on oid = indrelid
union all
select name, 'constraint', pg_get_constraintdef(o.oid)
from relations as r inner join pg_constraint as o on r.oid = conrelid
union all
select name, 'column', concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull)
from relations inner join pg_attribute on oid = attrelid
where attnum > 0 and not attisdropped
union all
select name, 'comment', concat(objsubid, description)
from relations as r
inner join pg_description as d on r.oid = d.objoid and d.classoid = cast('pg_class' as regclass)
order by 1, 2, 3
"""


@pytest.fixture(scope="module")
def company(database: Path) -> Path:
    """A company whose next night is planned: of a full build, and of two nights after it."""
    sales(database, f"{DAYS[0]:%Y%m%d}", sale("A"), sale("B"))
    load(date=DAYS[0])
    for day in DAYS[:3]:
        build_night(day)
    return database


@pytest.fixture()
def asked(company: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands that dbt was asked to run."""
    commands: list[str] = []
    run = dbt_process.run
    monkeypatch.setattr(dbt_process, "run", lambda arguments: commands.append(arguments[0]) or run(arguments))
    return commands


def test_planned_nights_leave_every_relation_as_dbt_does(asked: list[str]) -> None:
    by_dbt = query(SHAPE)
    for _ in range(3):
        build_night(DAYS[2])
        assert query(SHAPE) == by_dbt
    assert asked == []
    assert sum(kind == "index" for _, kind, _ in by_dbt) > 200


def test_a_planned_night_starts_no_dbt_and_is_told_as_any(asked: list[str], company: Path) -> None:
    by_dbt = newest()
    sales(company, f"{DAYS[3]:%Y%m%d}", sale("C", amount="30.00"))
    load(date=DAYS[3])
    by_plan = build_night(DAYS[3])
    assert asked == []
    assert query("select recovery_key, cast(gross_amount as text) from core.fct_recovery order by 1") == [
        ("sale:A", "10.00"), ("sale:B", "10.00"), ("sale:C", "30.00"),
    ]  # fmt: skip
    told = (
        "select layer, node, resource_type, status from ops.model_runs where build_id = %s order by 1, 2, 3"
    )
    assert query(told, by_plan) == query(told, by_dbt)
    checks = (
        "select stage, check_name, severity, success, unexpected_count from ops.validation_results"
        " where run_id = %s and engine = 'dbt' order by 1, 2"
    )
    assert query(checks, f"build-{by_plan}") == query(checks, f"build-{by_dbt}")
    changed = "select rows_affected from ops.model_runs where build_id = %s and node = 'fct_recovery'"
    assert (query(changed, by_dbt), query(changed, by_plan)) == ([(0,)], [(1,)])


def test_a_comment_that_was_written_over_is_seen_and_mended(asked: list[str]) -> None:
    comment = "select obj_description('core.fct_recovery'::regclass)"
    before = query(comment)
    with connect("admin") as admin:
        admin.execute("comment on table core.fct_recovery is 'mine'")
    build_id = begin(DAYS[3])
    build.run_layer(build_id, "staging")
    assert asked == []
    build.run_layer(build_id, "core")
    assert asked == ["build"]
    assert query(comment) == before != [("mine",)]


def test_a_table_that_is_gone_is_made_by_dbt(asked: list[str]) -> None:
    with connect("admin") as admin:
        admin.execute("drop table build.waste_by_month cascade")
    build_id = begin(DAYS[3])
    build.run_layer(build_id, "staging")
    assert asked
    run_layers(build_id)
    assert query("select count(*) from build.waste_by_month") == [(0,)]


def test_another_text_of_a_model_is_another_plan(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = build.plan_file(["build"])
    other = tmp_path / "project"
    other.mkdir()
    (other / "m.sql").write_text("select 1")
    (other / "dbt_project.yml").write_text("name: x")
    monkeypatch.setattr(project, "PROJECT", other)
    first = build.plan_file(["build"])
    (other / "m.yml").write_text("models: []")
    assert len({named, first, build.plan_file(["build"]), build.plan_file(["build", "--full-refresh"])}) == 4


def test_a_node_that_breaks_is_told_by_dbt(asked: list[str]) -> None:
    with connect("admin") as admin:
        admin.execute(
            "create function core.refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no rows today'; end $$"
        )
        admin.execute(
            "create trigger refused before delete on core.fct_recovery for each statement"
            " execute function core.refuse()"
        )
    build_id = begin(DAYS[3])
    build.run_layer(build_id, "staging")
    with pytest.raises(outcomes.CheckFailed, match=r"(?s)model fct_recovery: Database Error.*no rows today"):
        build.run_layer(build_id, "core")
    assert asked
    with connect("admin") as admin:
        admin.execute("drop trigger refused on core.fct_recovery")
    run_layers(begin(DAYS[3]))


def test_a_session_that_the_server_ends_ends_the_layer(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "read", lambda file, target: ASLEEP)
    monkeypatch.setattr(replay, "wait", _ending(replay.wait))
    with pytest.raises(outcomes.ConnectionBroken, match="terminating connection"):
        build.run_layer(begin(DAYS[3]), "staging")
    assert asked == []


def _ending(wait: Any) -> Any:
    """End the session that sleeps, as soon as it does."""

    def ending(*arguments: Any, **named: Any) -> Any:
        with connect("admin", autocommit=True) as admin:
            deadline = time.monotonic() + 20
            ended = (
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'"
            )
            while not admin.execute(ended).fetchall() and time.monotonic() < deadline:
                time.sleep(0.05)
        return wait(*arguments, **named)

    return ending


def test_a_night_that_is_lost_ends_its_plan(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost(Exception):
        pass

    def lost() -> None:
        raise Lost

    began = time.monotonic()
    with pytest.raises(Lost):
        replay.run(ASLEEP, {}, {}, lost, 0.2)
    assert time.monotonic() - began < 20


def test_a_node_waits_for_those_that_it_reads(company: Path) -> None:
    """A chain and a branch: the last sees what the others wrote, though four run at once."""

    def node(name: str, *waits_for: str) -> Node:
        writes = Statement(f"insert into estimates.seen select '{name}' || count(*) from estimates.seen")
        return Node(waits_for, (writes, Statement("COMMIT")), 0, {"status": "success"})

    with connect("admin") as admin:
        admin.execute("create table estimates.seen (name text)")
        admin.execute("grant all on estimates.seen to transformer; grant select on estimates.seen to auditor")
    nodes = {"c": node("c", "b"), "b": node("b", "a"), "a": node("a"), "d": node("d", "c", "a")}
    found = replay.run(Plan("x", (), nodes), {}, {}, lambda: None, 5)
    assert query("select name from estimates.seen order by 1") == [("a0",), ("b1",), ("c2",), ("d3",)]
    assert [result["message"] for result in found] == ["INSERT 0 1"] * 4


def test_work_beside_the_nodes_is_awaited_by_those_that_read_it(company: Path) -> None:
    """The free node has to have run before the work ends; the other one sees both."""

    def node(name: str) -> Node:
        writes = Statement(
            f"insert into estimates.written select '{name}' || count(*) from estimates.written"
        )
        return Node((), (writes, Statement("COMMIT")), 0, {"status": "success"})

    def work() -> None:
        with connect("admin", autocommit=True) as admin:
            deadline = time.monotonic() + 20
            while not admin.execute("select 1 from estimates.written").fetchall():
                assert time.monotonic() < deadline, "the node that reads nothing of it waited"
                time.sleep(0.01)
            admin.execute("insert into estimates.written values ('work')")

    with connect("admin") as admin:
        admin.execute("create table estimates.written (name text)")
        admin.execute("grant all on estimates.written to transformer")
        admin.execute("grant select on estimates.written to auditor")
    nodes = {"reader": node("reader"), "free": node("free")}
    beside = replay.Beside(work, {"reader", "a model that is not of the plan"})
    found = replay.run(Plan("x", (), nodes), {}, {}, lambda: None, 5, beside)
    assert query("select name from estimates.written") == [("free0",), ("work",), ("reader2",)]
    assert [result["message"] for result in found] == ["INSERT 0 1"] * 2


def test_what_breaks_beside_the_nodes_ends_them(company: Path) -> None:
    def work() -> None:
        raise psycopg.OperationalError("the server is gone")

    with pytest.raises(psycopg.OperationalError, match="the server is gone"):
        replay.run(Plan("x", (), {}), {}, {}, lambda: None, 5, replay.Beside(work, set()))


def test_every_model_of_an_estimate_waits_for_it(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[replay.Beside] = []

    def run(*arguments: Any) -> list[Any]:
        found.append(arguments[-1])
        raise replay.NotAsPlanned("seen enough")

    build_id = begin(DAYS[3])
    for layer in ("staging", "core"):
        build.run_layer(build_id, layer)
    monkeypatch.setattr(replay, "run", run)
    build.run_layer(build_id, "marts")
    (beside,) = found
    readers = {
        f"model.reverse_logistics.{file.stem}"
        for file in (project.PROJECT / "models").rglob("*.sql")
        if "source('estimates'" in file.read_text()
    }
    assert len(readers) > 5
    assert readers == {name for name in beside.awaited_by if name.startswith("model.")}
