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
    build._raise_for("core", _done(0), [_result("success", None)])


def test_a_lost_server_may_be_tried_again() -> None:
    lost = _result("error", "server closed the connection unexpectedly")
    with pytest.raises(build.ConnectionBroken, match="core"):
        build._raise_for("core", _done(1), [lost])


def test_a_refused_connection_before_any_model_may_be_tried_again() -> None:
    with pytest.raises(build.ConnectionBroken):
        build._raise_for("core", _done(2, "connection to server at 127.0.0.1 failed"), [])


def test_a_wrong_statement_is_not_tried_again_and_names_the_model() -> None:
    with pytest.raises(build.CheckFailed, match="model fct_sales_line: division by zero"):
        build._raise_for("core", _done(1), [_result("error", "division by zero")])


def test_a_warning_stops_nothing() -> None:
    build._raise_for("core", _done(0), [_result("warn", "3 rows")])
