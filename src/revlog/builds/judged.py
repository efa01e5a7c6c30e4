"""Which build is under way, what each of its steps said, and whether it may be published.

A build's number is handed from step to step; `ops.builds` and `ops.build_steps` say what it may do next.
Every step holds the night, so no two run at once, and their numbers say in which order they ran.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.rows import dict_row, tuple_row

from revlog.builds.domains import DOMAINS, Held
from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.database import locks
from revlog.database.connections import connect

STEPS = ("gate landed", "layer staging", "layer core", "gate core", "layer marts", "gate publish")
# What a step says holds for what it found: it has to run again where the one that it reads has. (The landed
# gate reads what has landed: it has to run again where the build takes in more.)
AFTER = {
    "layer core": "layer staging",
    "gate core": "layer core",
    "layer marts": "layer core",
    "gate publish": "layer marts",
}
# dbt notes it where somebody runs it without a night (dbt_project/macros/by_hand.sql).
BY_HAND = "layer by hand"
WORDS = {"refused": "said no", "broken": "broke off", "running": "did not end"}
LANDED_MORE = "gate landed has not judged what has landed since"
LANDED = "(select coalesce(max(changed_seq), 0) from ops.file_ledger)"
POLL_SECONDS = 5.0


class BuildRefused(Refusal):
    """The build may not take this step, or may not be published; the message says why, and what to do."""


@dataclass(frozen=True)
class Build:
    """Parameters of one build, as `ops.builds` keeps them.

    `run_date` is the date of its night; it is as of `business_date`, which is later where the clock is.
    """

    build_id: int
    run_date: dt.date
    business_date: dt.date
    from_seq: int
    to_seq: int
    is_full_refresh: bool

    def __str__(self) -> str:
        kind = "everything" if self.is_full_refresh else f"changes {self.from_seq}-{self.to_seq}"
        return f"build {self.build_id} as of {self.business_date}: {kind}"


@dataclass(frozen=True)
class _Run:
    """The last run of a step."""

    step_id: int
    outcome: str
    said: str
    to_seq: int
    held: dict[str, str]


COLUMNS = (
    "build_id, coalesce(run_date, business_date) as run_date, business_date, from_seq, to_seq,"
    " is_full_refresh"
)


@contextlib.contextmanager
def turn(purpose: str, holder: str = "", tell: locks.Tell = print) -> Iterator[None]:
    """Hold the night once no build of another holder is under way.

    Raises locks.Busy, which says whose it is, after LOCK_PATIENCE_MINUTES.
    """
    waits = not locks.holds(locks.NIGHT)
    patience = settings().lock_patience_minutes * 60 if waits else 0
    deadline = time.monotonic() + patience
    told = False
    while True:
        left = max(0.0, deadline - time.monotonic())
        with locks.hold(locks.NIGHT, "transformer", purpose, tell=tell, patience=left):
            other = _under_way(holder)
            if other is None:
                yield
                return
        if left == 0:
            raise locks.Busy(f"{other}. Wait for its end, or for its rest to be over, and try again")
        if not told:
            tell(f"{other}: waiting for its end, up to {patience / 60:.0f} minutes")
        told = True
        time.sleep(min(POLL_SECONDS, left))


def process() -> str:
    """This process, in words."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def give_up_the_open_one(connection: psycopg.Connection[Any]) -> None:
    """Whoever opens a build takes the place of one that nobody goes on with."""
    connection.execute(
        "update ops.builds set status = 'failed', finished_at = now() where status = 'building'"
    )


def give_up_what_is_not_published(connection: psycopg.Connection[Any]) -> int:
    """Let no build be published that is newer than the newest published one; returns how many there were."""
    return connection.execute(
        "update ops.builds as b set status = 'failed', finished_at = now() where b.status <> 'failed'"
        " and not exists (select from ops.publications as p where p.build_id >= b.build_id)"
    ).rowcount


@contextlib.contextmanager
def step(build_id: int, name: str, refusals: tuple[type[Exception], ...] = ()) -> Iterator[Build]:
    """Run one of STEPS for the build and keep what it said; `refusals` are the errors by which it says no.

    The build's `to_seq` is the end of the ledger changes that the step is about. Raises BuildRefused where
    another build has begun since, or where a layer would change what is finished.
    """
    assert name in STEPS, name
    role = "validator" if name.startswith("gate ") else "transformer"
    with locks.hold(locks.NIGHT, role, f"{name} of build {build_id}, {process()}"):
        with connect(role) as connection:
            build = _may_take(connection, build_id, name)
            number = _begin_step(connection, build, name)
        try:
            yield build
            locks.still_held(locks.NIGHT)
        except BaseException as error:
            outcome = "refused" if isinstance(error, refusals) else "broken"
            # A database that is gone leaves the step `running`, which is as little good.
            with contextlib.suppress(psycopg.Error):
                said = str(error).strip().split("\n")[0][:500]
                _end_step(role, number, outcome, said or type(error).__name__)
            raise
        _end_step(role, number, "good", None)


def hold_back(build_id: int, name: str, held: Held) -> None:
    """Let the step that is running hold back some domains: the build goes on for the others.

    The step says so itself, before it ends; `held` has the checks that failed, by domain.
    """
    role = "validator" if name.startswith("gate ") else "transformer"
    with connect(role) as connection:
        connection.execute(
            "update ops.build_steps set held = %s where step_id = ("
            "   select max(step_id) from ops.build_steps where build_id = %s and step = %s"
            " ) and outcome = 'running'",
            [json.dumps(dict(held)), build_id, name],
        )


def held_back(connection: psycopg.Connection[Any], build_id: int) -> dict[str, dict[str, str]]:
    """Domains that steps of the build hold back: the steps of each with the checks that failed."""
    last = _last_runs(connection, build_id)
    found = {
        domain: {
            name: last[name].held[domain] for name in STEPS if name in last and domain in last[name].held
        }
        for domain in DOMAINS
    }
    return {domain: steps for domain, steps in found.items() if steps}


def has_taken_in_more(build_id: int) -> bool:
    """True where files that the landed gate has not judged landed before staging read them."""
    with connect("validator") as connection:
        return LANDED_MORE in _missing(connection, _newest(connection, build_id)[0])


def finish(build_id: int) -> Build:
    """Close a build that every gate and layer said yes to for some domain; it stays so, however often asked.

    The next build starts where it ended, or where it began if it holds back a domain: what a check found is
    judged again until it is mended. Raises BuildRefused.
    """
    with locks.alone("publisher", f"finishing build {build_id}, {process()}") as connection:
        build, _ = _newest(connection, build_id)
        _refuse_unjudged(connection, build)
        connection.execute(
            "update ops.builds set status = 'built', finished_at = coalesce(finished_at, now()), held = %s"
            " where build_id = %s",
            [list(held_back(connection, build_id)), build_id],
        )
    return build


def held_words(build_id: int) -> str:
    """Which domains a published build holds back, where they stand, why, and what to do; empty for none."""
    with connect("publisher") as connection:
        build, _ = _newest(connection, build_id)
        held = held_back(connection, build_id)
        if not held:
            return ""
        stands = dict(connection.execute("select domain, business_date from ops.standing").fetchall())
    told = " and ".join(f"{d} (stays at {stands.get(d, 'nothing: it was never published')})" for d in held)
    checks = dict.fromkeys(f"{step}\n{text}" for steps in held.values() for step, text in steps.items())
    return (
        f"The night of {build.run_date} is published without {told}, which these checks hold back:\n"
        + "\n".join(checks)
        + f"\nMend the cause and run the night again (clear begin, or revlog night {build.run_date});"
        " later nights judge it again until then. Where a gate's check is let pass instead: revlog"
        f" gate STAGE --build {build_id}, then revlog warehouse publish {build_id}"
    )


def publishable(connection: psycopg.Connection[Any], build_id: int) -> Build:
    """The build, if it is finished, was judged good for some domain, and no other has begun to change it.

    Raises BuildRefused. Holds as long as the caller holds the night.
    """
    build, status = _newest(connection, build_id)
    _refuse_unjudged(connection, build)
    if status != "built":
        raise BuildRefused(f"{build}: it is judged good, but not finished; finish it, then publish it")
    return build


def _refuse_unjudged(connection: psycopg.Connection[Any], build: Build) -> None:
    if missing := _missing(connection, build):
        raise BuildRefused(
            f"{build} may not be published: {'; '.join(missing)}. Mend the cause, then run that step and"
            f" those after it again (clear its task; a gate alone: revlog gate STAGE --build"
            f" {build.build_id}), or the whole night: revlog night {build.run_date}"
        )
    held = held_back(connection, build.build_id)
    if len(held) == len(DOMAINS):
        told = "; ".join(f"{domain} is held back by {', '.join(steps)}" for domain, steps in held.items())
        raise BuildRefused(
            f"{build} may not be published: {told}. Nothing is published, the last good night stays.\n"
            + "\n".join(dict.fromkeys(text for steps in held.values() for text in steps.values()))
            + f"\nMend the cause, then run the night again: revlog night {build.run_date}"
        )


def _last_runs(connection: psycopg.Connection[Any], build_id: int) -> dict[str, _Run]:
    """The last run of each step, which counts."""
    rows = connection.cursor(row_factory=tuple_row).execute(
        "select distinct on (step) step, step_id, outcome, coalesce(': ' || said, ''), to_seq, held"
        " from ops.build_steps where build_id = %s order by step, step_id desc",
        [build_id],
    )
    return {name: _Run(*run) for name, *run in rows}


def _missing(connection: psycopg.Connection[Any], build: Build) -> list[str]:
    """What keeps the build from being judged good, in the order of STEPS; nothing where it is."""
    last = _last_runs(connection, build.build_id)
    found = []
    for name in STEPS:
        run = last.get(name)
        if run is None:
            found.append(f"{name} has not run")
        elif run.outcome != "good":
            found.append(f"{name} {WORDS[run.outcome]}{run.said}")
        elif name == "gate landed" and run.to_seq < build.to_seq:
            found.append(LANDED_MORE)
        elif (before := last.get(AFTER.get(name, ""))) and before.step_id > run.step_id:
            found.append(f"{name} has not run since {AFTER[name]} has")
    return found


def _newest(connection: psycopg.Connection[Any], build_id: int) -> tuple[Build, str]:
    """The build and its status; raises BuildRefused where it is none to go on with."""
    row = connection.cursor(row_factory=dict_row).execute(
        f"select {COLUMNS}, status, ("
        "   select min(later.build_id) from ops.builds as later where later.build_id > b.build_id"
        " ) as next_id, ("
        "   select max(started_at) at time zone 'UTC' from ops.build_steps as s"
        "   where s.build_id = b.build_id and s.step = %s"
        " ) as by_hand_at from ops.builds as b where build_id = %s",
        [BY_HAND, build_id],
    ).fetchone()  # fmt: skip
    if row is None:
        raise BuildRefused(f"there is no build {build_id}")
    status, next_id, by_hand_at = (row.pop(name) for name in ("status", "next_id", "by_hand_at"))
    build = Build(**row)
    why = None
    if next_id is not None:
        why = f"build {next_id} has begun since, in its place"
    elif status == "failed":
        why = "it was given up"
    elif by_hand_at is not None:
        why = (
            f"dbt was run by hand at {by_hand_at:%Y-%m-%d %H:%M} UTC, so its tables are no longer what its"
            " steps say of them"
        )
    if why:
        raise BuildRefused(
            f"{build}: {why}. Run the night of {build.run_date} again from its first step (clear begin,"
            f" or revlog night {build.run_date}); it takes in what this build did"
        )
    return build, status


def _may_take(connection: psycopg.Connection[Any], build_id: int, name: str) -> Build:
    build, status = _newest(connection, build_id)
    if name.startswith("layer ") and status != "building":
        raise BuildRefused(
            f"{build} is finished and stays as it was judged. Go on with publishing it (clear publish, or"
            f" revlog warehouse publish {build.build_id}), or run the night again from its first step:"
            f" revlog night {build.run_date}"
        )
    if name == "layer staging":
        connection.execute(f"update ops.builds set to_seq = {LANDED} where build_id = %s", [build_id])
    reads_what_has_landed = name == "layer staging" or (
        name == "gate landed" and not _is_staged(connection, build_id)
    )
    return replace(build, to_seq=_landed(connection)) if reads_what_has_landed else build


def _is_staged(connection: psycopg.Connection[Any], build_id: int) -> bool:
    row = connection.execute(
        "select exists (select from ops.build_steps where build_id = %s and step = 'layer staging')",
        [build_id],
    ).fetchone()
    return row == (True,)


def _landed(connection: psycopg.Connection[Any]) -> int:
    """Number of the last ledger change; none is made while a step holds the night."""
    row = connection.execute(f"select {LANDED}").fetchone()
    assert row is not None
    return int(row[0])


def _begin_step(connection: psycopg.Connection[Any], build: Build, name: str) -> int:
    row = connection.execute(
        "insert into ops.build_steps (build_id, step, to_seq) values (%s, %s, %s) returning step_id",
        [build.build_id, name, build.to_seq],
    ).fetchone()
    assert row is not None
    return int(row[0])


def _end_step(role: str, number: int, outcome: str, said: str | None) -> None:
    with connect(role) as connection:
        connection.execute(
            "update ops.build_steps set outcome = %s, said = %s, ended_at = clock_timestamp()"
            " where step_id = %s",
            [outcome, said, number],
        )


def _under_way(holder: str) -> str | None:
    """A build, in words, that another holder goes on with, or may: it rests between two of its steps."""
    with connect("transformer", row_factory=dict_row) as connection:
        row = connection.execute(
            "select b.build_id, coalesce(b.run_date, b.business_date) as night, b.holder,"
            "   b.started_at at time zone 'UTC' as started_at, coalesce(s.step, 'begin') as step,"
            "   l.at at time zone 'UTC' as at, (l.at + b.may_rest) at time zone 'UTC' as until"
            " from ops.builds as b left join lateral ("
            "   select * from ops.build_steps as s where s.build_id = b.build_id"
            "   order by s.step_id desc limit 1"
            " ) as s on true"
            " cross join lateral (select coalesce(s.ended_at, s.started_at, b.started_at) as at) as l"
            " where b.build_id = (select max(build_id) from ops.builds) and b.status <> 'failed'"
            "   and not exists (select from ops.publications as p where p.build_id = b.build_id)"
            "   and coalesce(s.outcome, '') <> 'refused' and b.holder is distinct from %s"
            "   and l.at + b.may_rest > now()",
            [holder],
        ).fetchone()
    if row is None:
        return None
    return (
        f"build {row['build_id']} of the night of {row['night']} is under way, begun by {row['holder']} at"
        f" {row['started_at']:%Y-%m-%d %H:%M} UTC; its last step was {row['step']} at {row['at']:%H:%M}, and"
        f" it may rest until {row['until']:%H:%M}"
    )
