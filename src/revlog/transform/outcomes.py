"""What became of the nodes of a layer: books, messages, and what is held back for it."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from revlog.builds import domains
from revlog.builds.judged import Build
from revlog.config.refusal import Refusal
from revlog.database import full_disk, waits
from revlog.database.connections import connect
from revlog.outputs.escaping import continued, one_line
from revlog.transform import project, rules

SAMPLE_ROWS = 5
# A night's tests never fail inside dbt, which would skip what reads the tested table (dbt_project.yml).
NEVER_FAILS = "< 0"
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


def _broken(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> str | None:
    """The one domain of which models broke, though the database is there; None where it is otherwise."""
    errors = [result for result in results if result["status"] == "error"]
    said = "\n".join(str(result["message"]) for result in errors).lower()
    found = {domains.of_model(nodes.get(result["unique_id"], {})) for result in errors}
    if full_disk.is_full(said) or any(word in said for word in ("lock timeout", *BROKEN)):
        return None
    return found.pop() if len(found) == 1 and all(kind(result) == "model" for result in errors) else None


def spared(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> list[str]:
    """Models of other domains that dbt skipped behind a broken one, less those that read its domain.

    Those stay as they are, like the domain that they read: contributions and their sums are of one state.
    """
    broken = _broken(results, nodes)
    if broken is None:
        return []
    skipped = [nodes[r["unique_id"]] for r in results if r["status"] == "skipped" and kind(r) == "model"]
    return [
        node["name"]
        for node in skipped
        if domains.of_model(node) not in (broken, None)
        and not any(
            domains.of_model(nodes.get(parent, {})) == broken for parent in node["depends_on"]["nodes"]
        )
    ]


def held_back(results: list[dict[str, Any]], nodes: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What only some domains are held back for; empty where nothing failed, or what all of them need."""
    failed = [result for result in results if result["status"] in ("error", "fail", "skipped")]
    broken = _broken(results, nodes)
    if not broken and any(result["status"] != "fail" or kind(result) != "test" for result in failed):
        return {}

    def holds(result: dict[str, Any]) -> tuple[str, ...]:
        if broken and kind(result) == "model":
            return (broken,)
        return domains.of_test(nodes.get(result["unique_id"], {}), nodes)

    held = domains.by_domain(
        (holds(result), _explained(result, nodes)) for result in failed if result["status"] != "skipped"
    )
    return {} if domains.others(held) == () else held


def read(file: Path) -> list[dict[str, Any]]:
    """Outcomes of the nodes; what dbt runs before and after them is no node."""
    if not file.exists():
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text())["results"]
    nodes = project.nodes()
    return [
        as_failed(result, nodes.get(result["unique_id"], {}))
        for result in rules.results(found, project.manifest(), _rules_that_failed)
        if kind(result) != "operation"
    ]


def _rules_that_failed(query: str) -> list[dict[str, Any]]:
    """What a query that judges rules finds."""
    with connect("transformer", row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def as_failed(result: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
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


def record(build: Build, layer: str, results: list[dict[str, Any]]) -> None:
    """Keep each node's outcome in ops.model_runs, and each test's in ops.validation_results."""
    nodes = project.nodes()
    runs = [
        (
            build.build_id,
            layer,
            _name(result),
            kind(result),
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
        if kind(result) in ("test", "unit_test") and result["status"] != "skipped"
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


def raise_for(
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
        raise CheckFailed(f"layer {layer}: dbt ended with {done.returncode}: {tail(done)}")
    nodes = project.nodes()
    told = [_explained(result, nodes) for result in failed]
    # The first line is what the status says of the step.
    raise CheckFailed(f"layer {layer}: {len(failed)} failed: {_briefly(failed)}\n" + "\n".join(told))


def _briefly(failed: list[dict[str, Any]]) -> str:
    """The first node that failed, with its error, and how many more there are."""
    first, more = failed[0], len(failed) - 1
    # The line after "Database Error in model …" is the database's own; what it quotes of rows comes later.
    error = " ".join(line.strip() for line in str(first["message"]).splitlines()[:2])
    return one_line(f"{kind(first)} {_name(first)}: {error[:300]}") + (f"; and {more} more" if more else "")


def _explained(result: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> str:
    """What failed, what that means, the first rows at fault, and where the SQL is."""
    node = nodes.get(result["unique_id"], {})
    lines = [f"{kind(result)} {_name(result)}: {continued(result['message'])}"]
    if meaning := _meaning(node):
        lines.append(f"  It means: {meaning}")
    if result["status"] == "fail" and kind(result) == "test":
        if _reads_finance(node, nodes):
            lines.append("  Its rows hold finance's amounts: see them as auditor, by the SQL below")
        else:
            lines += [f"  {row}" for row in _sample(result)]
    if node.get("compiled_path"):
        lines.append(f"  SQL: {project.target() / _below_target(node['compiled_path'])}")
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


def kind(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".")[0]


def _name(result: dict[str, Any]) -> str:
    return str(result["unique_id"]).split(".")[2]


def _first_line(text: str | None) -> str:
    return one_line(next((line.strip() for line in (text or "").splitlines() if line.strip()), ""))[:500]


def tail(done: subprocess.CompletedProcess[str]) -> str:
    return continued("\n".join((done.stdout + done.stderr).strip().split("\n")[-25:]))


def summary(layer: str, results: Iterable[dict[str, Any]]) -> str:
    results = list(results)
    kinds = Counter(kind(result) for result in results)
    warned = [_name(result) for result in results if result["status"] == "warn"]
    tests = kinds["test"] + kinds["unit_test"]
    line = f"{layer}: {kinds['model']} models, {tests} tests, {len(warned)} warned"
    return line + (f" ({', '.join(warned)})" if warned else "")
