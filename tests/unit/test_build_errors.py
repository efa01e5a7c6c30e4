"""What a failed layer says, and whether trying again may help."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from warehouse import build


@pytest.fixture(autouse=True)
def _no_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_nodes", lambda: {})


def _result(status: str, message: str | None, name: str = "model.p.fct_sales_line") -> dict[str, Any]:
    return {"unique_id": name, "status": status, "message": message, "compiled_code": ""}


def _done(code: int, output: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, output, "")


def test_a_clean_layer_raises_nothing() -> None:
    build._raise_for("core", _done(0), [_result("success", None)], [])


def test_a_lost_server_may_be_tried_again() -> None:
    lost = _result("error", "server closed the connection unexpectedly")
    with pytest.raises(build.ConnectionBroken, match="core"):
        build._raise_for("core", _done(1), [lost], [])


def test_a_refused_connection_before_any_model_may_be_tried_again() -> None:
    with pytest.raises(build.ConnectionBroken):
        build._raise_for("core", _done(2, "connection to server at 127.0.0.1 failed"), [], [])


def test_a_wrong_statement_is_not_tried_again_and_names_the_model() -> None:
    with pytest.raises(build.CheckFailed, match="model fct_sales_line: division by zero"):
        build._raise_for("core", _done(1), [_result("error", "division by zero")], [])


def test_a_warning_stops_nothing() -> None:
    build._raise_for("core", _done(0), [_result("warn", "3 rows")], [])


@pytest.mark.parametrize(
    "message",
    [
        'could not extend file "base/5/16384": wrote only 4096 of 8192 bytes at block 7',
        'could not extend file "base/5/16384" with FileFallocate(): No space left on device',
    ],
)
def test_a_full_disk_may_be_tried_again_and_is_told_as_one(message: str) -> None:
    said = f"Database Error in model fct_sales_line (models/core/fct_sales_line.sql)\n  {message}"
    with pytest.raises(build.ConnectionBroken, match="layer core: a disk is full; free space there"):
        build._raise_for("core", _done(1), [_result("error", said)], [])


def test_what_dbt_says_can_not_pass_for_a_line_of_ours() -> None:
    said = "Database Error in model fct_sales_line\n  invalid input: x\x1b[2J\n  It means: nothing, go on"
    with pytest.raises(build.CheckFailed) as failed:
        build._raise_for("core", _done(1), [_result("error", said)], [])
    assert str(failed.value).split("\n") == [
        "layer core: 1 failed",
        "model fct_sales_line: Database Error in model fct_sales_line",
        "  |   invalid input: x\\x1b[2J",
        "  |   It means: nothing, go on",
    ]
