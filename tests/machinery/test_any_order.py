"""Two nights' steps, clears, closes and another shell's night, in any order: only what was judged is shown.

Books, locks, rights and transactions are the real ones. dbt and Great Expectations are not run: a layer
writes one row that says what it was made of; a gate says of it, or of what has landed, what was planted.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from revlog.builds import judged
from revlog.builds.judged import Build
from revlog.builds.published import Published
from revlog.closing import periods
from revlog.config.refusal import Refusal
from revlog.database import connections
from revlog.database.connections import connect
from revlog.estimates import step
from revlog.gates import judging as gates
from revlog.night import stages
from revlog.night.errors import NightFailed
from revlog.publication.publish import publish
from revlog.transform import build, dbt_process, project, tables

NIGHTS = ("2026-02-01", "2026-02-02")
# Airflow's tasks of a run: each is given what the one before it has returned, and hands it on.
TASKS: dict[str, Callable[[int], object]] = {
    "gate_landed": lambda build_id: stages.gate(build_id, "landed"),
    "staging": lambda build_id: stages.transform(build_id, "staging"),
    "core": lambda build_id: stages.transform(build_id, "core"),
    "gate_core": lambda build_id: stages.gate(build_id, "core"),
    "marts": lambda build_id: stages.transform(build_id, "marts"),
    "gate_publish": lambda build_id: stages.gate(build_id, "publish"),
    "publish": stages.publish,
}
NAMES = ("begin", *TASKS)
SHELF = Published("shelf", "marts", ("id",))
SCHEMAS = {"staging": "staging", "core": "core", "marts": "build"}


NOTHING, CHANGED_MIND = "nothing", "the last gate changes its mind"
PLANTS = st.sampled_from(
    (
        NOTHING, "a bad file has landed", "a bad file lands behind its gate", "a layer is killed",
        "the publisher is killed", "a layer builds what its gate won't like", "the publisher is killed",
        CHANGED_MIND,
    )
)  # fmt: skip


class Killed(BaseException):
    """What a killed task leaves behind, as far as one process can show it."""


@functools.cache
def _connection(role: str) -> psycopg.Connection[Any]:
    return connect(role, autocommit=True)


def _rows(statement: str, *values: Any, role: str = "admin") -> list[tuple[Any, ...]]:
    cursor = _connection(role).execute(statement, values or None)  # type: ignore[arg-type]
    return cursor.fetchall() if cursor.description else []


class Company:
    """Three tables of one row, what is wrong with rows and files, and what gates last said of them."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.bad: set[tuple[str, int]] = set()
        self.said: dict[tuple[str, int], tuple[bool, int]] = {}
        self.published: set[int] = set()
        self.planted = NOTHING
        shape = "(id int primary key, staging int, core int, marts int, seq bigint, build_id bigint)"
        for schema in SCHEMAS.values():
            _rows(f"create table {schema}.shelf {shape}", role="transformer")
        _rows(f"create table marts.shelf {shape}", role="publisher")
        _rows(
            "create view finance.period_status as select '2025-12' as period, date '2025-12-31' as ends_on,"
            " 'open' as status, true as is_first_open, null::bigint as act_id,"
            " null::timestamptz as closed_at, null::text as approver"
        )
        _rows(
            "create view finance.period_postings as select (jsonb_populate_record(null::ops.frozen_postings,"
            " jsonb_build_object('posted_period', '2025-12', 'original_period', '2025-12', 'subject',"
            " 'document', 'item_key', 'x', 'currency', 'EUR', 'group_key', 'x', 'leg', 'E',"
            " 'is_adjustment', false, 'amount', marts))).*, false as is_frozen from marts.shelf"
        )
        _rows(
            "create view finance.refund_liability as select (jsonb_populate_record("
            "null::ops.frozen_accruals, '{}')).* where false"
        )
        _rows(
            "grant select on finance.period_status, finance.period_postings, finance.refund_liability"
            " to publisher"
        )

    def land(self, is_bad: bool) -> None:
        ((seq,),) = _rows(
            "insert into ops.file_ledger (feed, layout, name, content_sha256, size_bytes, business_date,"
            " modified_at, status, run_date, started_at, changed_seq) values ('crm_customers', 'standard',"
            " 'x', 'x', 1, %s, now(), 'loaded', %s, now(), nextval('ops.ledger_seq')) returning changed_seq",
            NIGHTS[0], NIGHTS[0],
        )  # fmt: skip
        if is_bad:
            self.bad.add(("landed", seq))

    def plant(self, what: str) -> None:
        """What goes wrong next."""
        self.planted = what

    def has_come(self, what: str) -> bool:
        """True where it is time for what was planted; it happens once."""
        is_time = self.planted == what
        if is_time:
            self.planted = NOTHING
        return is_time

    def dbt(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        """A layer: one row, made of the layer below."""
        if self.has_come("a layer is killed"):
            raise Killed
        layer = next(layer for layer in SCHEMAS if f"path:models/{layer}" in arguments)
        number = next(self.numbers)
        if layer != "staging" and self.has_come("a layer builds what its gate won't like"):
            self.bad.add((layer, number))
        made_of = {
            "staging": "select 1, {0}, 0, 0, to_seq, build_id from ops.builds order by build_id desc limit 1",
            "core": "select 1, staging, {0}, 0, seq, build_id from staging.shelf",
            "marts": "select 1, staging, core, {0}, seq, build_id from core.shelf",
        }[layer]
        _rows(f"delete from {SCHEMAS[layer]}.shelf", role="transformer")
        _rows(f"insert into {SCHEMAS[layer]}.shelf {made_of.format(number)}", role="transformer")
        return subprocess.CompletedProcess(
            [], int(self.has_come("a layer's test fails")), "a test failed", ""
        )

    def tables(self) -> list[Published]:
        """What is published: asked for once a build is finished."""
        if self.has_come("the publisher is killed"):
            raise Killed
        return [SHELF]

    def gate(self, stage: gates.Stage, date: dt.date, judged: Build | None = None) -> gates.GateResult:
        """What Great Expectations would say of the row, or of what has landed."""
        assert judged is not None
        if stage == "landed":
            if self.has_come("a bad file has landed"):
                self.bad.add(("landed", judged.to_seq))
            subject = ("landed", judged.build_id)
            bad = {seq for what, seq in self.bad if what == "landed"}
            ((published,),) = _rows("select coalesce(max(to_seq), 0) from ops.publications")
            is_good = not any(published < seq <= judged.to_seq for seq in bad)
        else:
            layer = {"core": "core", "publish": "marts"}[stage]
            found = _rows(f"select {layer} from {SCHEMAS[layer]}.shelf")
            subject = (layer, found[0][0] if found else 0)
            if stage == "publish" and self.has_come(CHANGED_MIND):
                self.bad.add(subject)
            is_good = bool(found) and subject not in self.bad
        self.said[subject] = (is_good, judged.to_seq)
        result = gates.GateResult(stage, date, "x", (), Path("x"), 0.0)
        if not is_good:
            raise gates.GateFailed(result)
        return result


COMPANY: list[Company] = []


class Nights(RuleBasedStateMachine):
    """Two runs of Airflow, a shell, an operator."""

    company: Company

    def __init__(self) -> None:
        super().__init__()
        (self.company,) = COMPANY
        self.returned: dict[str, dict[str, int]] = {night: {} for night in NIGHTS}
        self.night_of: dict[int, str] = {}

    @initialize()
    def all_is_quiet(self) -> None:
        """Nothing is under way, nothing wrong is left over from the example before."""
        _rows("update ops.builds set status = 'failed' where status = 'building'")
        self.company.bad.clear()
        self.company.plant(NOTHING)
        self.company.land(is_bad=False)
        self._let_rests_be_over()

    # -- what people and Airflow do

    @rule(
        night=st.sampled_from(NIGHTS),
        tasks=st.sampled_from((3, 6, len(NAMES) - 1, len(NAMES), len(NAMES))),
        is_later=st.booleans(),
        plant=PLANTS,
    )
    def go_on(self, night: str, tasks: int, is_later: bool, plant: str) -> None:
        """The next tasks of a run, until one fails; much later, others have no right to be waited for."""
        self.company.plant(plant)
        if is_later:
            self._let_rests_be_over()
        for name in NAMES[len(self.returned[night]) :][:tasks]:
            if not self._run(night, name):
                return

    @rule(night=st.sampled_from(NIGHTS), name=st.sampled_from(NAMES), with_later=st.booleans())
    def clear(self, night: str, name: str, with_later: bool) -> None:
        """A task that has run is cleared, with those after it or alone; Airflow runs it at once."""
        at = NAMES.index(name)
        if len(self.returned[night]) < at:
            return
        if with_later:
            self.returned[night] = {n: self.returned[night][n] for n in NAMES[:at]}
        self._run(night, name)

    @rule(names=st.lists(st.sampled_from(tuple(TASKS)), max_size=2), back=st.integers(0, 1), plant=PLANTS)
    def anyone(self, names: list[str], back: int, plant: str) -> None:
        """Somebody calls steps of one of the last builds by its number, and then publishes it."""
        self.company.plant(plant)
        ((build_id,),) = _rows("select coalesce(max(build_id), 0) from ops.builds")
        for name in (*names, "publish"):
            self._attempt(lambda name=name: TASKS[name](build_id - back))  # type: ignore[misc]

    @rule(plant=st.sampled_from((NOTHING, CHANGED_MIND)))
    def judge_what_is_finished(self, plant: str) -> None:
        """Somebody finishes the last build, judges it again, and publishes it in steps of their own."""
        ((build_id,),) = _rows("select coalesce(max(build_id), 0) from ops.builds")
        self._attempt(lambda: judged.finish(build_id))
        self.company.plant(plant)
        self._attempt(lambda: stages.gate(build_id, "publish"))
        self._attempt(lambda: publish(build_id, [SHELF]))

    @rule(night=st.sampled_from(NIGHTS))
    def another_shell(self, night: str) -> None:
        """`revlog night`, much later."""
        self._let_rests_be_over()
        self._attempt(lambda: stages.whole_night(night, lambda line: None))

    @rule()
    def close_a_month(self) -> None:
        """`make close`."""
        try:
            periods.close("2025-12", "A. Controller")
        except periods.Refused:
            return
        ((marts,),) = _rows("select marts from marts.shelf")
        closed = _rows("select amount from ops.frozen_postings order by act_id desc limit 1")
        assert closed == [(marts,)]
        assert marts in self.company.published, "what is published was judged good when it was"

    @rule()
    def accept_or_mend(self) -> None:
        """Whatever is wrong is right from now on; what gates said stays said."""
        self.company.bad.clear()

    # -- and what came of it

    def _let_rests_be_over(self) -> None:
        _rows("update ops.builds set started_at = started_at - interval '1 day' where may_rest is not null")
        _rows(
            "update ops.build_steps set started_at = started_at - interval '1 day',"
            " ended_at = ended_at - interval '1 day'"
        )

    def _run(self, night: str, name: str) -> bool:
        before = NAMES[NAMES.index(name) - 1]
        found: list[int] = []
        if name == "begin":
            done = self._attempt(lambda: found.append(stages.begin_build(night, f"Airflow, {night}")))
        else:
            found = [self.returned[night][before]]
            done = self._attempt(lambda: TASKS[name](found[0]))
        if done:
            self.returned[night][name] = found[0]
        return done

    def _attempt(self, act: Callable[[], object]) -> bool:
        ((last, finished),) = _rows(
            "select (select coalesce(max(publication_id), 0) from ops.publications),"
            " (select coalesce(max(build_id), 0) from ops.builds where status = 'built')"
        )
        try:
            act()
        except (NightFailed, Refusal, Killed):
            done = False
        else:
            done = True
        newest = _rows("select step from ops.build_steps order by step_id desc limit 1")
        if newest == [("gate landed",)] and self.company.has_come("a bad file lands behind its gate"):
            self.company.land(is_bad=True)
        for (marts,) in _rows(
            "select s.marts from ops.builds as b inner join build.shelf as s on true"
            " where b.status = 'built' and b.build_id > %s", finished,
        ):  # fmt: skip
            assert self._is_judged(finished, marts), "it finished what no gate has judged good"
        for number, build_id, date, run_date, as_of in _rows(
            "select p.publication_id, p.build_id, p.business_date, b.run_date, b.business_date"
            " from ops.publications as p inner join ops.builds as b on b.build_id = p.build_id"
            " where p.publication_id > %s", last,
        ):  # fmt: skip
            assert done, f"publication {number} was written by what failed"
            assert date == run_date <= as_of
            self._assert_published(build_id)
        return done

    def _assert_published(self, build_id: int) -> None:
        ((core, marts, seq, made_by),) = _rows("select core, marts, seq, build_id from marts.shelf")
        assert made_by == build_id, "it published what another build made"
        assert self._is_judged(build_id, marts)
        self.company.published.add(marts)
        assert self.company.said["core", core][0]
        is_good, upto = self.company.said["landed", build_id]
        assert is_good and upto >= seq, f"{seq} has landed, the gate has judged up to {upto}"

    def _is_judged(self, build_id: int, marts: int) -> bool:
        return self.company.said.get(("marts", marts), (False, 0))[0]


def test_whatever_runs_in_which_order_only_what_was_judged_good_is_published_under_its_own_date(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Company()
    monkeypatch.setenv("LOCK_PATIENCE_MINUTES", "0")
    # Thousands of connections, all with the settings of this one test.
    monkeypatch.setattr(connections, "dsn", functools.cache(connections.dsn))
    _connection.cache_clear()
    monkeypatch.setattr(tables, "published_tables", company.tables)
    monkeypatch.setattr(project, "definitions", lambda: "the same")
    monkeypatch.setattr(dbt_process, "run", company.dbt)
    monkeypatch.setattr(build, "plan_file", lambda arguments: Path(os.devnull))
    # There is no core to expect anything from.
    monkeypatch.setattr(step, "ESTIMATES", ())
    monkeypatch.setattr(gates, "run_gate", company.gate)
    monkeypatch.setattr(stages, "feeds", lambda source: [])
    monkeypatch.setattr(stages, "report", lambda date: "")
    COMPANY[:] = [company]
    run_state_machine_as_test(
        Nights, settings=settings(max_examples=15, stateful_step_count=20, deadline=None, database=None)
    )
    ((published,),) = _rows("select count(*) from ops.publications")
    assert published >= 3, "nights must come to their end, or nothing is shown"
