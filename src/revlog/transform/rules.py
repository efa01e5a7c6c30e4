"""Rules of a table, which dbt judges in one query (dbt_project/tests/generic/rules_hold.sql), as tests.

Books, messages and the dictionary take the tests of a build, or of the manifest, from here: a rule has name,
severity, meaning and domain as a test has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

JUDGED_TOGETHER = "rules_hold"

Node = dict[str, Any]
# Rows of a query: of one that judges rules there is one for each that failed.
Ask = Callable[[str], Iterable[Mapping[str, Any]]]


def as_tests(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Nodes of dbt's manifest, with its rules in the place of the test that judges them."""
    return {name: node for whole, given in nodes.items() for name, node in _tests(whole, given)}


def results(found: Iterable[Node], nodes: Mapping[str, Node], ask: Ask) -> Iterator[Node]:
    """Results of dbt, one for each rule; `nodes` are the manifest's own. Rules share the time of their query.

    A rule that failed has `first_rows`, and fails as a test whose config tells dbt only to warn.
    """
    for result in found:
        rules = of(nodes.get(result["unique_id"], {}))
        if not rules:
            yield result
            continue
        ran = result["status"] in ("pass", "warn", "fail")
        rows = ask(result["compiled_code"]) if ran and result["failures"] else ()
        failed = {row["rule"]: row for row in rows}
        for rule in rules:
            own = {"unique_id": _id(result["unique_id"], rule["name"])}
            seconds = {"execution_time": result["execution_time"] / len(rules)}
            yield {**result, **own, **seconds, **(_verdict(failed.get(rule["name"])) if ran else {})}


def of(node: Mapping[str, Any]) -> list[Node]:
    """The rules that a test judges together; none for any other node."""
    test = node.get("test_metadata") or {}
    return list(test["kwargs"]["rules"]) if test.get("name") == JUDGED_TOGETHER else []


def _tests(whole: str, node: Node) -> Iterator[tuple[str, Node]]:
    rules = of(node)
    for rule in rules:
        name = _id(whole, rule["name"])
        meta = {key: rule[key] for key in ("failure_means", "allows", "holds") if key in rule}
        yield name, {
            **node, "unique_id": name, "name": rule["name"], "column_name": rule.get("column"),
            "config": {**node["config"], "severity": rule.get("severity", "error"), "meta": meta},
            "test_metadata": {"name": rule["test"], "kwargs": rule.get("arguments", {})},
        }  # fmt: skip
    if not rules:
        yield whole, node


def _verdict(failed: Mapping[str, Any] | None) -> Node:
    if failed is None:
        return {"status": "pass", "failures": 0, "message": None}
    count = failed["failures"]
    said = f"Got {count} result{'' if count == 1 else 's'}, configured to warn if != 0"
    return {"status": "warn", "failures": count, "message": said, "first_rows": failed["first_rows"]}


def _id(whole: str, name: str) -> str:
    """dbt's id of the test that judges a rule, with the rule's name in it."""
    kind, project, _, *rest = whole.split(".")
    return ".".join((kind, project, name, *rest))
