"""Rules that dbt judges in one query are told as tests of their own."""

from __future__ import annotations

from typing import Any

from revlog.transform import rules

WHOLE = "test.p.receipts__rules_hold.abc"
RULES = [
    {"name": "site_is_known", "test": "not_null", "column": "site", "failure_means": "Lost."},
    {
        "name": "known_kind", "test": "accepted_values", "column": "kind",
        "arguments": {"values": ["a", "b"]}, "severity": "warn", "holds": "marts",
        "failure_means": "Not treated.",
    },
    {"name": "rate_is_known", "test": "not_null", "column": "rate", "allows": 20, "failure_means": "None."},
]  # fmt: skip
NODE: dict[str, Any] = {
    "unique_id": WHOLE, "name": "receipts__rules_hold", "attached_node": "model.p.receipts",
    "config": {"severity": "ERROR", "error_if": "< 0", "where": "touched_units", "meta": {}},
    "test_metadata": {"name": "rules_hold", "kwargs": {"rules": RULES}},
}  # fmt: skip
OTHER: dict[str, Any] = {"unique_id": "test.p.debits.d", "name": "debits", "config": {}}
NODES = {WHOLE: NODE, "test.p.debits.d": OTHER}


def _result(status: str, failures: int | None, name: str = WHOLE) -> dict[str, Any]:
    return {
        "unique_id": name, "status": status, "failures": failures, "message": "of all", "execution_time": 0.3,
        "compiled_code": "the query",
    }  # fmt: skip


def _told(*found: dict[str, Any], failed: tuple[dict[str, Any], ...] = ()) -> list[dict[str, Any]]:
    asked: list[str] = []

    def ask(query: str) -> tuple[dict[str, Any], ...]:
        asked.append(query)
        return failed

    told = list(rules.results(found, NODES, ask))
    assert asked == (["the query"] if failed else [])
    return told


def test_a_rule_has_name_severity_meaning_and_domain_as_a_test() -> None:
    tests = rules.as_tests(NODES)
    assert list(tests) == [
        "test.p.site_is_known.abc", "test.p.known_kind.abc", "test.p.rate_is_known.abc", "test.p.debits.d",
    ]  # fmt: skip
    kind = tests["test.p.known_kind.abc"]
    assert [kind[x] for x in ("name", "column_name", "attached_node")] == [
        "known_kind",
        "kind",
        "model.p.receipts",
    ]
    assert kind["config"] == {
        "severity": "warn", "error_if": "< 0", "where": "touched_units",
        "meta": {"failure_means": "Not treated.", "holds": "marts"},
    }  # fmt: skip
    assert kind["test_metadata"] == {"name": "accepted_values", "kwargs": {"values": ["a", "b"]}}
    assert tests["test.p.rate_is_known.abc"]["config"]["meta"] == {"failure_means": "None.", "allows": 20}
    assert tests["test.p.debits.d"] == OTHER


def test_all_rules_pass_where_the_query_found_nothing_and_it_is_not_asked_again() -> None:
    told = _told(_result("pass", 0), _result("pass", 0, "test.p.debits.d"))
    assert [(r["unique_id"], r["status"], r["failures"]) for r in told] == [
        ("test.p.site_is_known.abc", "pass", 0), ("test.p.known_kind.abc", "pass", 0),
        ("test.p.rate_is_known.abc", "pass", 0), ("test.p.debits.d", "pass", 0),
    ]  # fmt: skip
    assert sum(r["execution_time"] for r in told[:3]) == 0.3


def test_only_the_rules_that_failed_are_told_so_each_with_its_rows() -> None:
    rows = [{"receipt_id": "R1", "site": None}]
    found = {"rule": "site_is_known", "failures": 1, "first_rows": rows}
    told = _told(_result("warn", 1), failed=(found,))
    assert [(r["status"], r["failures"]) for r in told] == [("warn", 1), ("pass", 0), ("pass", 0)]
    assert told[0]["message"] == "Got 1 result, configured to warn if != 0"
    assert told[0]["first_rows"] == rows


def test_what_did_not_run_says_nothing_of_its_rules() -> None:
    told = _told(_result("skipped", None), _result("error", None))
    assert [r["status"] for r in told] == ["skipped"] * 3 + ["error"] * 3
    assert {r["message"] for r in told} == {"of all"}
