"""Build the warehouse with dbt, layer by layer.

A build takes in the ledger changes (from_seq, to_seq]; its parameters stand in its row of `ops.builds`, so
that every layer, retried or not, sees the same night.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import hashlib
import json
import logging
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.builds import clock, domains, judged
from revlog.builds.judged import Build
from revlog.builds.published import Published
from revlog.companies import seeds
from revlog.companies.company import profile, reporting_currency
from revlog.config.refusal import Refusal
from revlog.config.settings import IMPORTS, ROOT, settings
from revlog.contracts.contract import all_feeds, feeds, lacks_column
from revlog.database import foreign_keys, full_disk, locks, served, waits
from revlog.database.connections import connect, dbt_environment
from revlog.estimates import step
from revlog.outputs import files
from revlog.outputs.escaping import continued, one_line, policy, script
from revlog.transform import kept_dbt, plan, replay, rules

log = logging.getLogger("reverse_logistics.build")

PROJECT = ROOT / "dbt_project"
# What each layer builds. Seeds change with code and company only, and a changed definition is a full build.
LAYERS = {
    "staging": ("path:models/staging",),
    "core": ("path:models/intermediate/core", "path:models/core"),
    "marts": ("path:models/intermediate/marts", "path:models/marts"),
}
# Optional columns that a rule depends on: without replaces_rma_no nobody can tell what was sent in exchange.
ASKED_COLUMNS = (("erp_sales_lines", "replaces_rma_no"),)
SAMPLE_ROWS = 5
# Longer than the longest statement that is let run; what takes longer hangs outside the database.
LONGEST_RUN_SECONDS = 12 * 3600
# How often a layer asks whether it still holds the night.
LOOK_EVERY_SECONDS = 5.0
# A night's tests never fail inside dbt, which would skip what reads the tested table (dbt_project.yml).
NEVER_FAILS = "< 0"
# Relations of the schemas that dbt writes to.
BUILT_SO_FAR = """
select nspname, relname, relkind from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where nspname in ('staging', 'intermediate', 'core', 'build') and relkind in ('r', 'v', 'm', 'p')
order by 1, 2
"""
# Words by which libpq and psycopg2 tell a lost server from a wrong statement.
BROKEN = (
    "could not connect",
    "connection refused",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "connection already closed",
    "connection not open",
    "the database system is",
    "could not translate host name",
    "ssl connection has been closed",
    "no connection to the server",
    "deadlock detected",
)


class CheckFailed(Refusal):
    """A model or test failed: the message names it, its rows and its compiled SQL. Retrying is vain."""


class ConnectionBroken(RuntimeError):
    """The database went away; the same layer may be run again."""


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
    definitions = _definitions()
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
        estimated, untold = _estimated(build) if layer == "marts" else ("", {})
        done, results = _built(build, command(layer, build.is_full_refresh))
        if spared := _spared(results, _nodes()):
            again = _ran(["build", "--select", *spared, *_how(build.is_full_refresh)])[1]
            rerun = {result["unique_id"] for result in again}
            results = [result for result in results if result["unique_id"] not in rerun] + again
    _record(build, layer, results)
    held = _held(results, _nodes())
    if not held:
        _raise_for(layer, done, results, watch.blockers)
    held = {**untold, **held}
    told = _summary(layer, results) + estimated
    if not held:
        return told
    if not domains.others(held):
        raise CheckFailed(f"layer {layer}: " + "\n".join(dict.fromkeys(held.values())))
    judged.hold_back(build.build_id, f"layer {layer}", held)
    said = "\n".join(dict.fromkeys(held.values()))
    return f"{told}\n{domains.in_words(held)} is held back, stays as published:\n{said}"


def _estimated(build: Build) -> tuple[str, dict[str, str]]:
    """Make what can be expected, before the marts that tell it; returns what people are told of it.

    And what marts are held back for where it can't be made: finance reads none of it, and stands for itself.
    """
    try:
        return f"\n{step.write(build.business_date)}", {}
    except step.EstimateFailed as error:
        return "", {"marts": str(error)}


def _built(
    build: Build, arguments: list[str]
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """Run a layer as it was planned when dbt last ran it, and else by dbt, whose way is kept as the plan.

    What fails, dbt has to tell: it then runs the layer anew.
    """
    file = plan_file(arguments)
    if planned := plan.read(file, _target()):
        try:
            sent = _sent(planned, build)
        except replay.NotAsPlanned as unlike:
            log.info("dbt renders anew: %s", one_line(str(unlike)))
        except replay.Stopped as stopped:
            return _stopped(stopped)
        else:
            if not any(result["status"] == "fail" for result in sent):
                return subprocess.CompletedProcess(arguments, 0, "", ""), sent
    made = _target() / plan.MADE
    made.unlink(missing_ok=True)
    done, results = _ran(arguments)
    if done.returncode == 0 and made.exists():
        plan.keep(made, file, _target())
    return done, results


def _sent(planned: plan.Plan, build: Build) -> list[dict[str, Any]]:
    """Results of a plan, kept where dbt keeps its own."""
    manifest = _manifest()
    warns_if = {
        name: node["config"]["warn_if"] for name, node in manifest.items() if node["resource_type"] == "test"
    }
    parameters = {
        "business_date": build.business_date, "from_seq": build.from_seq, "to_seq": build.to_seq,
    }  # fmt: skip
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    found = replay.run(
        planned, parameters, warns_if, lambda: _look("the layer's plan", deadline), LOOK_EVERY_SECONDS
    )
    results_file = _target() / "run_results.json"
    results_file.write_text(json.dumps({"results": found}), encoding="utf-8")
    return _results(results_file)


def _stopped(
    stopped: replay.Stopped,
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    result = {
        "unique_id": stopped.node, "status": "error", "message": str(stopped), "execution_time": 0.0,
        "failures": None, "adapter_response": {},
    }  # fmt: skip
    told = [] if _kind(result) == "operation" else [result]
    return subprocess.CompletedProcess([], 1, "", str(stopped)), told


def plan_file(arguments: list[str]) -> Path:
    """Where a command's plan is kept: by all that dbt renders it from, and what stands in the database."""
    project = hashlib.sha256(f"{plan.RENDERED_BY}{_definitions()}".encode())
    for file in sorted(PROJECT.rglob("*")):
        if file.suffix in (".sql", ".yml", ".md", ".csv"):
            project.update(str(file.relative_to(PROJECT)).encode() + file.read_bytes())
    with connect("transformer") as connection:
        stands = connection.execute(BUILT_SO_FAR).fetchall()
    layer = hashlib.sha256(f"{arguments}{stands}".encode())
    return settings().var / "dbt" / "plans" / project.hexdigest() / f"{layer.hexdigest()}.json"


def _ran(arguments: list[str]) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    results_file = _target() / "run_results.json"
    results_file.unlink(missing_ok=True)
    done = _dbt(arguments)
    return done, _results(results_file)


def _broken(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> str | None:
    """The one domain of which models broke, though the database is there; None where it is otherwise."""
    errors = [result for result in results if result["status"] == "error"]
    said = "\n".join(str(result["message"]) for result in errors).lower()
    found = {domains.of_model(nodes.get(result["unique_id"], {})) for result in errors}
    if full_disk.is_full(said) or any(word in said for word in ("lock timeout", *BROKEN)):
        return None
    return found.pop() if len(found) == 1 and all(_kind(result) == "model" for result in errors) else None


def _spared(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> list[str]:
    """Models of other domains that dbt skipped behind a broken one, less those that read its domain.

    Those stay as they are, like the domain that they read: contributions and their sums are of one state.
    """
    broken = _broken(results, nodes)
    if broken is None:
        return []
    skipped = [nodes[r["unique_id"]] for r in results if r["status"] == "skipped" and _kind(r) == "model"]
    return [
        node["name"]
        for node in skipped
        if domains.of_model(node) not in (broken, None)
        and not any(
            domains.of_model(nodes.get(parent, {})) == broken for parent in node["depends_on"]["nodes"]
        )
    ]


def _held(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What only some domains are held back for; empty where nothing failed, or what all of them need."""
    failed = [result for result in results if result["status"] in ("error", "fail", "skipped")]
    broken = _broken(results, nodes)
    if not broken and any(result["status"] != "fail" or _kind(result) != "test" for result in failed):
        return {}

    def holds(result: dict[str, Any]) -> tuple[str, ...]:
        if broken and _kind(result) == "model":
            return (broken,)
        return domains.of_test(nodes.get(result["unique_id"], {}), nodes)

    held = domains.by_domain(
        (holds(result), _explained(result, nodes)) for result in failed if result["status"] != "skipped"
    )
    return {} if domains.others(held) == () else held


def published_tables() -> list[Published]:
    """Models and seeds whose `meta.publish_to` names a public schema, with their primary keys."""
    manifest = _target() / "manifest.json"
    if not manifest.exists():
        done = _dbt(["parse"])
        if done.returncode:
            raise CheckFailed(f"dbt does not understand the project: {_tail(done)}")
    nodes = json.loads(manifest.read_text())["nodes"].values()
    found = [
        Published(
            node["name"],
            meta["publish_to"],
            tuple(meta["primary_key"]),
            is_view=node["config"]["materialized"] == "view",
            logs_changes=bool(meta.get("logs_changes")),
            history_of=meta.get("history_of"),
            foreign_keys=foreign_keys.of_model(meta["publish_to"], node["name"], meta),
            is_for_views=bool(meta.get("is_for_views")),
            comes_and_goes=bool(meta.get("comes_and_goes")),
        )
        for node in nodes
        if (meta := node["config"].get("meta") or {}).get("publish_to")
    ]
    return sorted(found, key=lambda table: table.name)


def write_docs() -> Path:
    """Write dbt's documentation as one page under var/pages; returns the page.

    The SQL shown is that of a full build: a night's says of sums only that others have changed them.
    """
    for command in (["compile", "--full-refresh", "--quiet"], ["docs", "generate", "--no-compile"]):
        done = _dbt(command)
        if done.returncode:
            raise CheckFailed(f"dbt docs failed: {_tail(done)}")
    return files.write_text(settings().var / "pages" / "dbt.html", _docs_page())


def _docs_page() -> str:
    """dbt's page with its data inside, as `--static` makes it, but for what a description could do.

    The page's own script has a nonce; no other runs, and nothing is fetched.
    """
    nonce = token_urlsafe(12)
    page = (_target() / "index.html").read_text(encoding="utf-8")
    scripts = f"'nonce-{nonce}' 'unsafe-eval'"
    parts = {
        '<meta charset="utf-8">': '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(scripts)}">',
        "<script defer": f'<script nonce="{nonce}" defer',
        **{
            f'"{name.upper()}.JSON INLINE DATA"': script(json.loads(_artifact(name)))
            for name in ("manifest", "catalog")
        },
    }
    for place, content in parts.items():
        if place not in page:
            raise CheckFailed(f"dbt's page of its documentation has no {place!r}: dbt makes another one now")
        page = page.replace(place, content)
    return page


def _artifact(name: str) -> str:
    """Text of an artifact of dbt, seeds at the place where a reader of the project finds them.

    The page draws its tree of folders from these paths, and runs into a loop over one that begins with /.
    """
    return (_target() / f"{name}.json").read_text().replace(str(_seeds()), "seeds")


def _definitions() -> str:
    """Hash of everything that decides what a model computes."""
    digest = hashlib.sha256(_variables().encode())
    for name, content in sorted(seeds.seeds(settings().company).items()):
        digest.update(f"{name}\n{content}".encode())
    for folder in ("macros", "models"):
        for file in sorted((PROJECT / folder).rglob("*.sql")):
            digest.update(str(file.relative_to(PROJECT)).encode())
            digest.update(file.read_bytes())
    digest.update((PROJECT / "dbt_project.yml").read_bytes())
    return digest.hexdigest()


def _seeds() -> Path:
    return settings().var / "dbt" / "seeds"


def _target() -> Path:
    return settings().var / "dbt" / "target"


def _variables() -> str:
    """What the company's profile says to dbt, as JSON.

    They are the same at every run: dbt parses the whole project anew where one has changed.
    """
    company = profile()
    return json.dumps(
        {
            "reporting_currency": reporting_currency(),
            "fiscal_year_start_month": company.fiscal_year_start_month,
            "time_zone": company.time_zone,
            "transit_days": company.transit_days,
            "reason_systems": company.reason_systems.model_dump(),
            "feeds_not_carried": sorted(set(all_feeds()) - set(feeds())),
            "columns_not_carried": [f"{f}.{c}" for f, c in ASKED_COLUMNS if lacks_column(f, c)],
        }
    )


@contextlib.contextmanager
def keeping_dbt() -> Iterator[None]:
    """Let every layer that is built inside run in one dbt; it parses at once where no night is planned."""
    if kept_dbt.current():
        yield
        return
    kept = _kept_dbt()
    if not all(plan_file(command(layer, is_full=False)).exists() for layer in LAYERS):
        kept.begin()
    with kept_dbt.keeping(kept):
        yield


def _kept_dbt() -> kept_dbt.KeptDbt:
    parse = ["parse", "--quiet", "--vars", _variables()]
    return kept_dbt.KeptDbt(
        lambda: _popen(["serve"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL),
        settings().var / "dbt" / "said", parse,
    )  # fmt: skip


def _dbt(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run dbt, in the process that a night keeps for it where there is one."""
    command = [*arguments, "--vars", _variables()]
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    if (kept := kept_dbt.current()) and (done := kept.run(command, lambda: _look(command, deadline))):
        return done
    with _popen(command, stderr=subprocess.PIPE) as process:
        try:
            said = _said_in_time(process, deadline)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


def _popen(arguments: list[str], stderr: int, stdin: int | None = None) -> subprocess.Popen[str]:
    """Start dbt as the role transformer; the password goes by environment, never by argument."""
    # Its logs and results quote what the database says.
    files.own_folder(settings().var / "dbt")
    environment = {
        **dbt_environment("transformer"),
        "PYTHONPATH": IMPORTS,
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(_target()),
        "DBT_LOG_PATH": str(settings().var / "dbt" / "logs"),
        "DBT_SEEDS": str(seeds.write_seeds(_seeds())),
        # What ran and what failed; each statement stands below `target`.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        "DBT_USE_COLORS": "false",
        "RUN_BY_A_NIGHT": "yes",
    }
    return subprocess.Popen(
        [*kept_dbt.MODULE, *arguments],
        env=environment,
        cwd=PROJECT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=kept_dbt.die_with_parent,
    )


def _said_in_time(process: subprocess.Popen[str], deadline: float) -> tuple[str, str]:
    """What the process said until its end, for which it is waited as long as the night is still held."""
    while True:
        try:
            return process.communicate(timeout=LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired as error:
            _look(error.cmd, deadline)


def _look(command: Any, deadline: float) -> None:
    """Raise the database's error where the night is lost: then another night may build the same tables."""
    if time.monotonic() > deadline:
        raise subprocess.TimeoutExpired(command, LONGEST_RUN_SECONDS)
    if locks.holds(locks.NIGHT):
        locks.still_held(locks.NIGHT)


def _results(file: Path) -> list[dict[str, Any]]:
    """Outcomes of the nodes; what dbt runs before and after them is no node."""
    if not file.exists():
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text())["results"]
    nodes = _nodes()
    return [
        _as_failed(result, nodes.get(result["unique_id"], {}))
        for result in rules.results(found, _manifest(), _rules_that_failed)
        if _kind(result) != "operation"
    ]


def _rules_that_failed(query: str) -> list[dict[str, Any]]:
    """What a query that judges rules finds."""
    with connect("transformer", row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def _as_failed(result: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """A test that dbt only warned of, for the sake of what comes after it, has failed all the same, where it
    found more rows than it allows."""
    config = node.get("config") or {}
    never_fails = config.get("error_if") == NEVER_FAILS
    if result["status"] != "warn" or not never_fails or _severity(node) != "critical":
        return result
    if (result["failures"] or 0) <= (config.get("meta") or {}).get("allows", 0):
        return result
    said = str(result["message"]).replace("configured to warn if", "configured to fail if")
    return {**result, "status": "fail", "message": said}


def _record(build: Build, layer: str, results: list[dict[str, Any]]) -> None:
    """Keep each node's outcome in ops.model_runs, and each test's in ops.validation_results."""
    nodes = _nodes()
    runs = [
        (
            build.build_id,
            layer,
            _name(result),
            _kind(result),
            result["status"],
            result["execution_time"],
            result["adapter_response"].get("rows_affected"),
            _first_line(result["message"]) if result["status"] in ("error", "fail") else None,
        )
        for result in results
    ]
    checks = [
        (
            f"build-{build.build_id}",
            build.business_date,
            layer,
            _tested(nodes.get(result["unique_id"], {})),
            _name(result),
            _severity(nodes.get(result["unique_id"], {})),
            result["status"] in ("pass", "success"),
            result["failures"],
            _meaning(nodes.get(result["unique_id"], {})),
            result["execution_time"],
            list(domains.of_test(nodes.get(result["unique_id"], {}), nodes)),
        )
        for result in results
        if _kind(result) in ("test", "unit_test") and result["status"] != "skipped"
    ]
    with connect("transformer") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.model_runs (build_id, layer, node, resource_type, status, seconds,"
            " rows_affected, message) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            runs,
        )
        cursor.executemany(
            "insert into ops.validation_results (run_id, business_date, stage, engine, asset,"
            " check_name, severity, success, unexpected_count, message, seconds, holds)"
            " values (%s, %s, %s, 'dbt', %s, %s, %s, %s, %s, %s, %s, %s)",
            checks,
        )


def _raise_for(
    layer: str,
    done: subprocess.CompletedProcess[str],
    results: list[dict[str, Any]],
    blockers: list[waits.Blocker],
) -> None:
    failed = [result for result in results if result["status"] in ("error", "fail")]
    if done.returncode == 0 and not failed:
        return
    said = "\n".join(str(result["message"]) for result in failed) or done.stdout + done.stderr
    if full_disk.is_full(said):
        raise ConnectionBroken(f"layer {layer}: {full_disk.told(_first_line(said), 'a disk')}")
    if "lock timeout" in said.lower():
        raise waits.StillBlocked(waits.explained(f"layer {layer} waited in vain", blockers))
    if any(word in said.lower() for word in BROKEN):
        raise ConnectionBroken(f"layer {layer}: {_first_line(said)}")
    if not failed:
        raise CheckFailed(f"layer {layer}: dbt ended with {done.returncode}: {_tail(done)}")
    nodes = _nodes()
    told = [_explained(result, nodes) for result in failed]
    # The first line is what the status says of the step.
    raise CheckFailed(f"layer {layer}: {len(failed)} failed: {_briefly(failed)}\n" + "\n".join(told))


def _briefly(failed: list[dict[str, Any]]) -> str:
    """The first node that failed, with its error, and how many more there are."""
    first, more = failed[0], len(failed) - 1
    # The line after "Database Error in model …" is the database's own; what it quotes of rows comes later.
    error = " ".join(line.strip() for line in str(first["message"]).splitlines()[:2])
    return one_line(f"{_kind(first)} {_name(first)}: {error[:300]}") + (f"; and {more} more" if more else "")


def _explained(result: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> str:
    """What failed, what that means, the first rows at fault, and where the SQL is."""
    node = nodes.get(result["unique_id"], {})
    lines = [f"{_kind(result)} {_name(result)}: {continued(result['message'])}"]
    if meaning := _meaning(node):
        lines.append(f"  It means: {meaning}")
    if result["status"] == "fail" and _kind(result) == "test":
        if _reads_finance(node, nodes):
            lines.append("  Its rows hold finance's amounts: see them as auditor, by the SQL below")
        else:
            lines += [f"  {row}" for row in _sample(result)]
    if node.get("compiled_path"):
        lines.append(f"  SQL: {_target() / _below_target(node['compiled_path'])}")
    return "\n".join(lines)


def _reads_finance(node: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> bool:
    """True for a test of a table that only finance may read: messages go further than that."""
    read = (nodes.get(name, {}) for name in (node.get("depends_on") or {}).get("nodes") or [])
    return any(((n.get("config") or {}).get("meta") or {}).get("publish_to") == "finance" for n in read)


def _sample(result: dict[str, Any]) -> Iterator[str]:
    """First rows that a test found."""
    if "first_rows" in result:
        yield from map(_row, result["first_rows"])
        return
    query = result.get("compiled_code") or ""
    with connect("transformer", row_factory=dict_row) as connection:
        try:
            cursor = connection.execute(f"select * from ({query}) as failing limit {SAMPLE_ROWS}")
        except psycopg.Error as error:
            yield f"(rows could not be read: {_first_line(str(error))})"
            return
        yield from map(_row, cursor)


def _row(found: dict[str, Any]) -> str:
    return one_line(", ".join(f"{name}={value}" for name, value in found.items()))


def _nodes() -> dict[str, dict[str, Any]]:
    """Nodes of the manifest, each rule as a test."""
    return rules.as_tests(_manifest())


def _manifest() -> dict[str, dict[str, Any]]:
    file = _target() / "manifest.json"
    if not file.exists():
        return {}
    return _of_manifest(file, file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _of_manifest(file: Path, _written: int) -> dict[str, dict[str, Any]]:
    manifest = json.loads(file.read_text())
    return {**manifest["nodes"], **manifest["unit_tests"]}


def _below_target(path: str) -> Path:
    parts = Path(path).parts
    return Path(*parts[parts.index("compiled") :]) if "compiled" in parts else Path(path)


def _tested(node: dict[str, Any]) -> str:
    attached = node.get("attached_node") or node.get("model")
    if attached:
        return str(attached).split(".")[-1]
    parents = (node.get("depends_on") or {}).get("nodes") or ["?"]
    return ", ".join(parent.split(".")[-1] for parent in parents)


def _severity(node: dict[str, Any]) -> str:
    said = str((node.get("config") or {}).get("severity", "error")).lower()
    return "warning" if said == "warn" else "critical"


def _meaning(node: dict[str, Any]) -> str | None:
    meta = (node.get("config") or {}).get("meta") or {}
    found = meta.get("failure_means") or node.get("description")
    return " ".join(str(found).split()) if found and node.get("resource_type") != "model" else None


def _kind(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".")[0]


def _name(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".")[2]


def _first_line(text: str | None) -> str:
    return one_line(next((line.strip() for line in (text or "").splitlines() if line.strip()), ""))[:500]


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return continued("\n".join((done.stdout + done.stderr).strip().split("\n")[-25:]))


def _summary(layer: str, results: Iterable[dict[str, Any]]) -> str:
    results = list(results)
    kinds = Counter(_kind(result) for result in results)
    warned = [_name(result) for result in results if result["status"] == "warn"]
    tests = kinds["test"] + kinds["unit_test"]
    line = f"{layer}: {kinds['model']} models, {tests} tests, {len(warned)} warned"
    return line + (f" ({', '.join(warned)})" if warned else "")
