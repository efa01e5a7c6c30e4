"""No error, notice or child process shows a password, however it is written."""

from __future__ import annotations

import subprocess
import sys
import traceback
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from revlog.closing.periods import Refused
from revlog.config.redaction import environment_without_secrets, run_command, without_secrets
from revlog.config.refusal import Refusal
from revlog.config.secrets import SecretWithheld, secret
from revlog.config.settings import ROOT
from revlog.database import connections
from revlog.database.waits import StillBlocked
from revlog.night import stages
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.publication.handover import NotPublished
from revlog.transform.outcomes import CheckFailed

HOSTILE = "Gt7@x/Qz9:W%4 k'L\"#?&$m8"
# The longest pieces that a careless message could show of it.
PIECES = ("Gt7", "Qz9", "4 k", "m8")
WRITTEN_WRONGLY = {
    "nothing escaped": f"postgresql://admin:{HOSTILE}@db.example:5432/warehouse",
    "an @": "postgresql://admin:Gt7@Qz9@db.example:5432/warehouse",
    "a slash": "postgresql://admin:Gt7/Qz9@db.example:5432/warehouse",
    "a colon and a slash": "postgresql://admin:Gt7:Qz9/m8@db.example/warehouse",
    "a percent sign": "postgresql://admin:Gt7%Qz9@db.example/warehouse",
    "a space": "postgresql://admin:Gt7 Qz9@db.example:5432/warehouse",
    "a space between names": "host=db.example user=admin password=Gt7 Qz9",
    "an open quote": "host=db.example user=admin password='Gt7 Qz9",
    "no name": "admin Gt7Qz9",
}


@pytest.fixture(autouse=True)
def _own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    monkeypatch.setenv("REVLOG_PASSWORD_BI_READER", HOSTILE)


@pytest.mark.parametrize("written", WRITTEN_WRONGLY.values(), ids=WRITTEN_WRONGLY)
@pytest.mark.parametrize(
    "command", [["warehouse", "dsn", "admin"], ["warehouse", "migrate"], ["period", "status"]]
)
def test_an_address_that_is_not_understood_is_not_repeated(
    written: str, command: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "revlog", *command],
        env={"PYTHONPATH": str(ROOT / "src"), "REVLOG_VAR": str(tmp_path), "WAREHOUSE_DSN": written,
             "REVLOG_ENV_FILE": "/dev/null"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "WAREHOUSE_DSN" in done.stderr
    assert "postgresql://user:password@host:5432/database" in done.stderr
    assert not [piece for piece in PIECES if piece in done.stdout + done.stderr]


def test_an_address_that_is_escaped_holds_any_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://admin:x@[::1]:5433/wh?options=-c%20jit%3Doff")
    found = conninfo_to_dict(connections.dsn("bi_reader"))
    assert found == {
        "host": "::1", "port": "5433", "dbname": "wh", "user": "bi_reader", "password": HOSTILE,
        "options": "-c jit=off",
    }  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        "could not connect to {dsn}",
        "password authentication failed: {password}",
        'missing "=" after "{password}" in connection info string',
        "FATAL: {role}",
    ],
)
def test_a_password_is_struck_out_wherever_it_stands(message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = "postgresql://admin:S%40lt/Pepper9@db.example:5432/warehouse"
    monkeypatch.setenv("WAREHOUSE_DSN", given)
    told = without_secrets(message.format(dsn=given, password="S@lt/Pepper9", role=HOSTILE))
    assert "***" in told
    assert not [piece for piece in (*PIECES, "S%40lt", "S@lt", "Pepper9") if piece in told]


def test_a_child_gets_the_secrets_that_it_needs_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://admin:x@db/wh")
    monkeypatch.setenv("REVLOG_PASSWORD_LOADER", "of the loader")
    monkeypatch.setenv("LANDING_URL", "/landing")
    found = environment_without_secrets("REVLOG_PASSWORD_LOADER")
    assert found["REVLOG_PASSWORD_LOADER"] == "of the loader"
    assert found["LANDING_URL"] == "/landing"
    assert {"WAREHOUSE_DSN", "REVLOG_PASSWORD_BI_READER"} & found.keys() == set()


def test_an_address_without_a_login_serves_every_stage_but_not_the_administrator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://db.example:5433/wh?sslmode=require")
    monkeypatch.setenv("REVLOG_PASSWORD_LOADER", "x")
    assert connections.dsn("loader") == "postgresql://loader:x@db.example:5433/wh?sslmode=require"
    with pytest.raises(connections.NoAdministrator, match="names no user"):
        connections.dsn("admin")


def test_an_address_loses_its_login_for_those_who_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DSN", "postgresql://admin:x@db.example:5433/wh?sslmode=require")
    assert connections.address() == "postgresql://db.example:5433/wh?sslmode=require"


def test_a_secret_comes_from_its_own_file_and_no_other_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "handed-out"
    folder.mkdir()
    (folder / "loader").write_text(f"{HOSTILE}\n")
    monkeypatch.setenv("REVLOG_SECRETS", str(folder))
    assert secret("loader") == HOSTILE
    with pytest.raises(SecretWithheld, match="publisher can't be read"):
        secret("publisher")
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize("refusal", [NotPublished, CheckFailed, StillBlocked, Refused])
def test_what_says_no_fails_a_stage_with_its_own_words_but_for_secrets(
    refusal: type[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVLOG_PASSWORD_PUBLISHER", HOSTILE)
    with pytest.raises(NightFailed) as told, stages.translated():
        raise refusal(f"publishing waits for {HOSTILE}")
    assert str(told.value) == "publishing waits for ***"


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError(f"connection to server failed: {HOSTILE}"),
        CheckFailed(f"a check failed for {HOSTILE}"),
        RuntimeError(f"nobody expected {HOSTILE}"),
    ],
)
def test_the_traceback_of_a_stage_that_failed_shows_its_message_and_nothing_that_was_behind_it(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVLOG_PASSWORD_PUBLISHER", HOSTILE)
    with pytest.raises((NightFailed, ConnectionBroken)) as told, stages.translated():
        raise error
    shown = "".join(traceback.format_exception(told.value))
    assert "***" in shown
    assert not any(piece in shown for piece in PIECES)
    assert shown.count("Traceback") == 1


def test_a_command_that_is_refused_ends_with_the_reason_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REVLOG_PASSWORD_PUBLISHER", HOSTILE)

    def refused() -> None:
        raise NotPublished(f"publishing waits for {HOSTILE}")

    with pytest.raises(SystemExit) as ended:
        run_command(refused)
    assert str(ended.value) == "publishing waits for ***"
    assert capsys.readouterr().err == ""
