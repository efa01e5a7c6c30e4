"""What dbt sends for a layer, kept: its statements node by node, which the next night sends again.

dbt renders the same statements night after night: only the parameters of the build differ, and a comment says
where they stand (dbt_project/macros/clock.sql). What dbt asked the database on the way stands beside its
answer; where that is another one today, dbt renders anew.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BEGIN, COMMIT = "BEGIN", "COMMIT"
# A literal and, behind it, the parameter of ops.builds that it is.
PARAMETER = re.compile(r"'[^']*' /\*build: (\w+)\*/")
# What dbt leaves beside its results, and how many are kept.
MADE = "plan.json"
KEPT = 24
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


def read(file: Path) -> Plan | None:
    """The plan in a file; None where there is none that can be read."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        nodes = {
            name: Node(
                **node
                | {"waits_for": tuple(node["waits_for"]), "statements": _statements(node["statements"])}
            )
            for name, node in given["nodes"].items()
        }
        return Plan(given["database"], _statements(given["start"]), nodes)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(made: Path, file: Path) -> None:
    """Put a plan among those that are kept, in the place of the oldest."""
    file.parent.mkdir(exist_ok=True)
    made.replace(file)
    for old in sorted(file.parent.glob("*.json"), key=lambda kept: -kept.stat().st_mtime)[KEPT:]:
        old.unlink(missing_ok=True)
