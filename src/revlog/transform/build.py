"""Build the warehouse with dbt, layer by layer.

A build takes in the ledger changes (from_seq, to_seq]; its parameters stand in its row of `ops.builds`, so
that every layer, retried or not, sees the same night.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from revlog.builds import clock, domains, judged
from revlog.builds.judged import Build
from revlog.config.settings import settings
from revlog.database import locks, served, waits
from revlog.database.connections import connect
from revlog.estimates import step
from revlog.outputs.escaping import one_line
from revlog.transform import dbt_process, kept_dbt, outcomes, plan, project, replay
from revlog.transform.outcomes import CheckFailed

log = logging.getLogger("reverse_logistics.build")

# What each layer builds. Seeds change with code and company only, and a changed definition is a full build.
LAYERS = {
    "staging": ("path:models/staging",),
    "core": ("path:models/intermediate/core", "path:models/core"),
    "marts": ("path:models/intermediate/marts", "path:models/marts"),
}
# Relations of the schemas that dbt writes to.
BUILT_SO_FAR = """
select nspname, relname, relkind from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where nspname in ('staging', 'intermediate', 'core', 'build') and relkind in ('r', 'v', 'm', 'p')
order by 1, 2
"""


def begin(business_date: dt.date, full_refresh: bool = False, holder: str = "") -> Build:
    """Open a build for the night of `business_date`; returns it, and its number goes from step to step.

    It is as of that date, or of the last published one where that is later. It computes everything where
    `full_refresh` says so, nothing has been built yet, seeds, macros or models differ from those of the last
    build, the clock was moved back, dbt was run by hand, or a full build has failed since, or held a domain
    back: then sums may be of another state than what they add up.

    `holder` is who goes on with it, in steps of their own; without one it lives as long as this process holds
    the night. Waits for a build that another holder goes on with. Raises DateRefused, and locks.Busy.
    """
    clock.check(business_date, "transformer")
    definitions = project.definitions()
    with (
        judged.turn(f"beginning the night of {business_date}, {judged.process()}", holder),
        connect("transformer", row_factory=dict_row) as connection,
    ):
        served.check(connection)
        as_of = clock.as_of(connection, business_date)
        judged.give_up_the_open_one(connection)
        last = connection.execute(
            "select to_seq, definitions, exists (select 1 from ops.builds as later"
            "   where later.build_id > b.build_id and later.is_full_refresh) as is_half_rebuilt,"
            " exists (select 1 from ops.clock_settings where set_at > b.started_at) as is_of_another_clock,"
            " exists (select 1 from ops.build_steps as s"
            "   where s.build_id >= b.build_id and s.step = %s) as is_changed_by_hand,"
            " held.*"
            " from ops.builds as b cross join lateral ("
            "   select min(h.from_seq) as held_from,"
            "     coalesce(bool_or(h.is_full_refresh), false) as is_held_full"
            "   from ops.builds as h where h.status = 'built' and h.build_id > coalesce(("
            "     select max(good.build_id) from ops.builds as good"
            "     where good.status = 'built' and good.held = '{}'), 0)"
            " ) as held"
            " where status = 'built' order by build_id desc limit 1",
            [judged.BY_HAND],
        ).fetchone()
        full = (
            full_refresh
            or last is None
            or last["definitions"] != definitions
            or last["is_half_rebuilt"]
            or last["is_of_another_clock"]
            or last["is_changed_by_hand"]
            or last["is_held_full"]
        )
        # What a held domain lacks is judged again: a night's tests look at the rows that it touches.
        starts = last["to_seq"] if last and not full else 0
        if last and not full and last["held_from"] is not None:
            starts = last["held_from"]
        row = connection.execute(
            "insert into ops.builds (run_date, business_date, from_seq, to_seq, status, is_full_refresh,"
            "   definitions, holder, may_rest)"
            f" values (%(date)s, %(as_of)s, %(from_seq)s, {judged.LANDED}, 'building', %(full)s,"
            "   %(definitions)s, %(holder)s, make_interval(mins => %(may_rest)s))"
            f" returning {judged.COLUMNS}",
            {
                "date": business_date,
                "as_of": as_of,
                "from_seq": starts,
                "full": full,
                "definitions": definitions,
                "holder": holder or judged.process(),
                "may_rest": settings().night_rest_minutes if holder else None,
            },
        ).fetchone()
        locks.still_held(locks.NIGHT)
    assert row is not None
    return Build(**row)


def run_layer(build_id: int, layer: str) -> str:
    """Build and test one of LAYERS for a build; returns what people are told.

    Tests that fail for one domain hold it back, as do its models that break; the build goes on for the other.
    Raises CheckFailed where a model or a test of all domains fails, ConnectionBroken where the server is
    gone, StillBlocked where someone holds a table for longer than one waits, BuildRefused where another build
    has begun since.
    """
    with judged.step(build_id, f"layer {layer}", (CheckFailed,)) as build:
        return _run_layer(build, layer)


def command(layer: str, is_full: bool) -> list[str]:
    seeds = ("resource_type:seed",) if layer == "staging" and is_full else ()
    return ["build", "--select", *seeds, *LAYERS[layer], *_how(is_full)]


def _how(is_full: bool) -> list[str]:
    # Logic changes with the code, so `make test` holds it; a night changes only rows.
    how = ["--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"]
    return [*how, "--full-refresh"] if is_full else how


def _run_layer(build: Build, layer: str) -> str:
    with waits.watched("transformer", f"layer {layer}") as watch:
        estimates = _Estimates(build) if layer == "marts" else None
        done, results = _built(build, command(layer, build.is_full_refresh), estimates)
        if spared := outcomes.spared(results, project.nodes()):
            again = _ran(["build", "--select", *spared, *_how(build.is_full_refresh)])[1]
            rerun = {result["unique_id"] for result in again}
            results = [result for result in results if result["unique_id"] not in rerun] + again
    outcomes.record(build, layer, results)
    held = outcomes.held_back(results, project.nodes())
    if not held:
        outcomes.raise_for(layer, done, results, watch.blockers)
    held = {**(estimates.lacking if estimates else {}), **held}
    told = outcomes.summary(layer, results) + (estimates.told if estimates else "")
    if not held:
        return told
    if not domains.others(held):
        raise CheckFailed(f"layer {layer}: " + "\n".join(dict.fromkeys(held.values())))
    judged.hold_back(build.build_id, f"layer {layer}", held)
    said = "\n".join(dict.fromkeys(held.values()))
    return f"{told}\n{domains.in_words(held)} is held back, stays as published:\n{said}"


class _Estimates:
    """What can be expected, made once for a build, before the models that tell it.

    `told` is what people are told of it. `lacking` is what is held back where it can't be made: marts, since
    finance reads none of it, and stands for itself.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._is_made = False
        self.told = ""
        self.lacking: dict[str, str] = {}

    def make(self) -> None:
        """Replace the tables of the estimates, once; raises the database's error."""
        with self._lock:
            if self._is_made:
                return
            try:
                self.told = f"\n{step.write(self._build.business_date)}"
            except step.EstimateFailed as error:
                self.lacking = {"marts": str(error)}
            self._is_made = True


def _built(
    build: Build, arguments: list[str], estimates: _Estimates | None
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """Run a layer as it was planned when dbt last ran it, and else by dbt, whose way is kept as the plan.

    What fails, dbt has to tell: it then runs the layer anew. A plan's models that read no estimate are built
    while these are made.
    """
    file = plan_file(arguments)
    if planned := plan.read(file, project.target()):
        try:
            sent = _sent(planned, build, estimates)
        except replay.NotAsPlanned as unlike:
            log.info("dbt renders anew: %s", one_line(str(unlike)))
        except replay.Stopped as stopped:
            return _stopped(stopped)
        else:
            if not any(result["status"] == "fail" for result in sent):
                return subprocess.CompletedProcess(arguments, 0, "", ""), sent
    if estimates:
        estimates.make()
    made = project.target() / plan.MADE
    made.unlink(missing_ok=True)
    done, results = _ran(arguments)
    if done.returncode == 0 and made.exists():
        plan.keep(made, file, project.target())
    return done, results


def _sent(planned: plan.Plan, build: Build, estimates: _Estimates | None) -> list[dict[str, Any]]:
    """Results of a plan, kept where dbt keeps its own."""
    manifest = project.manifest()
    readers = {
        name
        for name, node in manifest.items()
        if any(
            parent.split(".")[2:3] == ["estimates"]
            for parent in (node.get("depends_on") or {}).get("nodes") or ()
        )
    }
    warns_if = {
        name: node["config"]["warn_if"] for name, node in manifest.items() if node["resource_type"] == "test"
    }
    parameters = {
        "business_date": build.business_date, "from_seq": build.from_seq, "to_seq": build.to_seq,
    }  # fmt: skip
    deadline = time.monotonic() + dbt_process.LONGEST_RUN_SECONDS
    found = replay.run(
        planned, parameters, warns_if,
        lambda: dbt_process.look("the layer's plan", deadline), dbt_process.LOOK_EVERY_SECONDS,
        replay.Beside(estimates.make, readers) if estimates else None,
    )  # fmt: skip
    results_file = project.target() / "run_results.json"
    results_file.write_text(json.dumps({"results": found}), encoding="utf-8")
    return outcomes.read(results_file)


def _stopped(
    stopped: replay.Stopped,
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    result = {
        "unique_id": stopped.node, "status": "error", "message": str(stopped), "execution_time": 0.0,
        "failures": None, "adapter_response": {},
    }  # fmt: skip
    told = [] if outcomes.kind(result) == "operation" else [result]
    return subprocess.CompletedProcess([], 1, "", str(stopped)), told


def plan_file(arguments: list[str]) -> Path:
    """Where a command's plan is kept: by all that dbt renders it from, and what stands in the database."""
    rendered_from = hashlib.sha256(f"{plan.RENDERED_BY}{project.definitions()}".encode())
    for file in sorted(project.PROJECT.rglob("*")):
        if file.suffix in (".sql", ".yml", ".md", ".csv"):
            rendered_from.update(str(file.relative_to(project.PROJECT)).encode() + file.read_bytes())
    with connect("transformer") as connection:
        stands = connection.execute(BUILT_SO_FAR).fetchall()
    layer = hashlib.sha256(f"{arguments}{stands}".encode())
    return settings().var / "dbt" / "plans" / rendered_from.hexdigest() / f"{layer.hexdigest()}.json"


def _ran(arguments: list[str]) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    results_file = project.target() / "run_results.json"
    results_file.unlink(missing_ok=True)
    done = dbt_process.run(arguments)
    return done, outcomes.read(results_file)


@contextlib.contextmanager
def keeping_dbt() -> Iterator[None]:
    """Let every layer that is built inside run in one dbt; it parses at once where no night is planned."""
    if kept_dbt.current():
        yield
        return
    kept = dbt_process.kept()
    if not all(plan_file(command(layer, is_full=False)).exists() for layer in LAYERS):
        kept.begin()
    with kept_dbt.keeping(kept):
        yield
