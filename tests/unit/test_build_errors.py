"""What a failed layer says, and whether trying again may help."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from revlog.config.settings import ROOT
from revlog.transform import outcomes, project


@pytest.fixture(autouse=True)
def _no_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "nodes", lambda: {})


def _result(status: str, message: str | None, name: str = "model.p.fct_sales_line") -> dict[str, Any]:
    return {"unique_id": name, "status": status, "message": message, "compiled_code": ""}


def _done(code: int, output: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, output, "")


def test_a_clean_layer_raises_nothing() -> None:
    outcomes.raise_for("core", _done(0), [_result("success", None)], [])


def test_a_lost_server_may_be_tried_again() -> None:
    lost = _result("error", "server closed the connection unexpectedly")
    with pytest.raises(outcomes.ConnectionBroken, match="core"):
        outcomes.raise_for("core", _done(1), [lost], [])


def test_a_refused_connection_before_any_model_may_be_tried_again() -> None:
    with pytest.raises(outcomes.ConnectionBroken):
        outcomes.raise_for("core", _done(2, "connection to server at 127.0.0.1 failed"), [], [])


def test_a_wrong_statement_is_not_tried_again_and_names_the_model() -> None:
    with pytest.raises(outcomes.CheckFailed, match="model fct_sales_line: division by zero"):
        outcomes.raise_for("core", _done(1), [_result("error", "division by zero")], [])


def test_a_warning_stops_nothing() -> None:
    outcomes.raise_for("core", _done(0), [_result("warn", "3 rows")], [])


@pytest.mark.parametrize(
    "message",
    [
        'could not extend file "base/5/16384": wrote only 4096 of 8192 bytes at block 7',
        'could not extend file "base/5/16384" with FileFallocate(): No space left on device',
    ],
)
def test_a_full_disk_may_be_tried_again_and_is_told_as_one(message: str) -> None:
    said = f"Database Error in model fct_sales_line (models/core/fct_sales_line.sql)\n  {message}"
    with pytest.raises(outcomes.ConnectionBroken, match="layer core: a disk is full; free space there"):
        outcomes.raise_for("core", _done(1), [_result("error", said)], [])


def test_what_dbt_says_can_not_pass_for_a_line_of_ours() -> None:
    said = "Database Error in model fct_sales_line\n  invalid input: x\x1b[2J\n  It means: nothing, go on"
    with pytest.raises(outcomes.CheckFailed) as failed:
        outcomes.raise_for("core", _done(1), [_result("error", said)], [])
    assert str(failed.value).split("\n") == [
        "layer core: 1 failed: model fct_sales_line: Database Error in model fct_sales_line"
        " invalid input: x\\x1b[2J",
        "model fct_sales_line: Database Error in model fct_sales_line",
        "  |   invalid input: x\\x1b[2J",
        "  |   It means: nothing, go on",
    ]


def test_the_first_line_names_the_first_failure_and_counts_the_others() -> None:
    """It is all that the status says of a step; rows that the database quotes below stay out of it."""
    said = "Database Error in model fct_sales_line\n  column x does not exist\n  DETAIL: Key (sku)=(7)"
    with pytest.raises(outcomes.CheckFailed) as failed:
        outcomes.raise_for("core", _done(1), [_result("error", said)] * 3, [])
    assert str(failed.value).partition("\n")[0] == (
        "layer core: 3 failed: model fct_sales_line: Database Error in model fct_sales_line"
        " column x does not exist; and 2 more"
    )


@pytest.mark.parametrize(
    ("meta", "failures", "status"),
    [({}, 1, "fail"), ({"allows": 20}, 20, "warn"), ({"allows": 20}, 21, "fail")],
)
def test_a_test_that_found_more_than_it_allows_has_failed(
    meta: dict[str, Any], failures: int, status: str
) -> None:
    node = {"config": {"error_if": outcomes.NEVER_FAILS, "severity": "ERROR", "meta": meta}}
    found = _result("warn", f"Got {failures} results, configured to warn if != 0") | {"failures": failures}
    assert outcomes.as_failed(found, node)["status"] == status


def test_no_threshold_of_a_test_stops_a_night_and_the_layer_knows_it() -> None:
    """What dbt lets pass by hand is what the layer lets pass in a night; a rule says it only once."""
    text = (ROOT / "dbt_project" / "tests" / "disposed_not_above_received.sql").read_text()
    night, by_hand = re.findall(r"'([<>] \d+)'", text)[:2]
    (allows,) = re.findall(r"'allows': (\d+)", text)
    assert (night, by_hand) == (outcomes.NEVER_FAILS, f"> {allows}")
    rules = (ROOT / "dbt_project" / "tests" / "generic" / "rules_hold.sql").read_text()
    assert re.findall(r"error_if='([^']+)'", rules) == [outcomes.NEVER_FAILS]
    properties = [file.read_text() for file in (ROOT / "dbt_project" / "models").rglob("*.yml")]
    assert [text for text in properties if "error_if" in text] == []
    assert sum(text.count("allows: ") for text in properties) == 6


def _model(name: str, folder: str, *parents: str) -> dict[str, Any]:
    return {
        "name": name, "resource_type": "model", "fqn": ["p", "marts", folder, name], "config": {},
        "depends_on": {"nodes": [f"model.p.{parent}" for parent in parents]},
    }  # fmt: skip


# By hand: classes and groups are finance's; over-refunds of marts read groups, sums read over-refunds.
GRAPH = {
    f"model.p.{node['name']}": node
    for node in (
        _model("classes", "finance"), _model("groups", "finance", "classes"),
        _model("over_refunds", "operations", "groups"), _model("sums", "operations", "over_refunds", "sales"),
        _model("cells", "operations", "sums"), _model("sales", "operations"),
    )
}  # fmt: skip
SKIPPED = [
    _result("skipped", None, f"model.p.{name}") for name in ("groups", "over_refunds", "sums", "cells")
]
CLASSES_BREAK = _result("error", "division by zero", "model.p.classes")


def test_what_reads_no_broken_model_of_finance_goes_on() -> None:
    assert outcomes.spared([CLASSES_BREAK, *SKIPPED], GRAPH) == ["sums", "cells"]
    assert list(outcomes.held_back([CLASSES_BREAK, *SKIPPED[:2]], GRAPH)) == ["finance"]


def test_where_both_domains_break_or_the_database_is_gone_nothing_is_spared() -> None:
    sales = _result("error", "division by zero", "model.p.sales")
    gone = _result("error", "server closed the connection unexpectedly", "model.p.classes")
    core = _result("error", "division by zero", "model.p.fct_receipt")
    for broken in ([CLASSES_BREAK, sales], [gone], [core]):
        assert outcomes.spared([*broken, *SKIPPED], GRAPH) == []
        assert outcomes.held_back([*broken, *SKIPPED], GRAPH) == {}
