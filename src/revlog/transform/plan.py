"""What dbt sends for a layer, kept: its statements node by node, which the next night sends again.

dbt renders the same statements night after night: only the parameters of the build differ, and a comment says
where they stand (dbt_project/macros/clock.sql). What dbt asked the database on the way stands beside its
answer; where that is another one today, dbt renders anew.
"""

from __future__ import annotations

import filecmp
import hashlib
import importlib.metadata
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BEGIN, COMMIT = "BEGIN", "COMMIT"
# A literal and, behind it, the parameter of ops.builds that it is.
PARAMETER = re.compile(r"'[^']*' /\*build: (\w+)\*/")
# What dbt leaves beside its results, and what the nodes of a plan are; of how many projects plans are kept.
MADE, MANIFEST = "plan.json", "manifest.json"
KEPT = 8
RENDERED_BY = " ".join(
    [
        *(importlib.metadata.version(package) for package in ("dbt-core", "dbt-adapters", "dbt-postgres")),
        *(hashlib.sha256(Path(__file__).with_name(f"{name}.py").read_bytes()).hexdigest()
          for name in ("plan", "recording", "dbt_command")),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """A statement and, where what followed went by what it returned, the hash of that."""

    sql: str
    answer: str | None = None


@dataclass(frozen=True)
class Node:
    """A node of dbt: which nodes it waits for, what it sends, which of its statements tells the outcome, and
    what dbt's results said of it; None of one that sends nothing.
    """

    waits_for: tuple[str, ...]
    statements: tuple[Statement, ...]
    main: int | None
    result: dict[str, Any] | None


@dataclass(frozen=True)
class Plan:
    """A layer of the database of that name: what dbt sends before its nodes, and each node's statements."""

    database: str
    start: tuple[Statement, ...]
    nodes: dict[str, Node]

    def sql(self, text: str, database: str, parameters: Mapping[str, Any]) -> str:
        """The statement for another database and another build."""
        return PARAMETER.sub(
            lambda found: f"'{parameters[found[1]]}' /*build: {found[1]}*/",
            text.replace(f'"{self.database}".', f'"{database}".'),
        )


def answer(rows: Iterable[Sequence[Any]], database: str) -> str:
    """Hash of rows in any order, whatever the database is called."""
    told = sorted(json.dumps([None if v is None else str(v) for v in row]) for row in rows)
    return hashlib.sha256("\n".join(told).replace(json.dumps(database), '""').encode()).hexdigest()


def _statements(given: list[dict[str, Any]]) -> tuple[Statement, ...]:
    return tuple(Statement(**statement) for statement in given)


def write(plan: Plan, file: Path) -> None:
    """Keep a plan as JSON."""
    file.write_text(json.dumps(asdict(plan)), encoding="utf-8")


def read(file: Path, target: Path) -> Plan | None:
    """The plan in a file; None where there is none that can be read.

    The manifest in dbt's folder `target` is the plan's from then on: another project may have been parsed.
    """
    manifest = file.with_name(MANIFEST)
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        nodes = {
            name: Node(
                tuple(node["waits_for"]), _statements(node["statements"]), node["main"], node["result"]
            )
            for name, node in given["nodes"].items()
        }
        planned = Plan(given["database"], _statements(given["start"]), nodes)
        if not (target / MANIFEST).exists() or not filecmp.cmp(manifest, target / MANIFEST):
            _copy(manifest, target / MANIFEST)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return planned


def keep(made: Path, file: Path, target: Path) -> None:
    """Put a plan, and the manifest of its project, among those that are kept, in the place of the oldest."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.with_name(MANIFEST).exists():
        _copy(target / MANIFEST, file.with_name(MANIFEST))
    made.replace(file)
    projects = sorted(file.parent.parent.iterdir(), key=lambda project: -project.stat().st_mtime)
    for old in projects[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _copy(file: Path, to: Path) -> None:
    """Copy with its time, by which one sees that it is the same; nobody reads half of it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=to.parent, prefix=f".{to.name}.", delete=False) as scratch:
        pass
    shutil.copy2(file, scratch.name)
    Path(scratch.name).replace(to)
