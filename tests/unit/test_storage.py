"""What the landing zone's storage is told, and what people are told of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from revlog.config.redaction import environment_without_secrets, without_secrets
from revlog.ingestion import storage
from revlog.local import run


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(storage.CREDENTIALS)]:
        monkeypatch.delenv(name)


def test_credentials_come_from_env_file_then_from_what_is_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("AWS_SECRET_ACCESS_KEY=of the file $HOME\nORDER_LINES=5\nSFTP_PASSWORD=\n")
    (tmp_path / storage.HANDED_OUT).write_text("AWS_SECRET_ACCESS_KEY='handed out'\nSFTP_PASSWORD='also'\n")
    monkeypatch.setenv("REVLOG_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("REVLOG_SECRETS", str(tmp_path))
    assert storage.given(storage.CREDENTIALS) == {
        "AWS_SECRET_ACCESS_KEY": "of the file $HOME", "SFTP_PASSWORD": "also",
    }  # fmt: skip


def test_only_who_loads_has_a_storages_secrets_and_no_text_shows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-everyone")
    assert "AWS_SECRET_ACCESS_KEY" not in environment_without_secrets()
    assert "AWS_SECRET_ACCESS_KEY" in environment_without_secrets("AWS_SECRET_ACCESS_KEY")
    assert without_secrets("signed with not-for-everyone") == "signed with ***"


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (PermissionError("key AKIA1"), storage.Denied, "refuses the login or its rights"),
        (OSError("Forbidden: company/key AKIA1"), storage.Denied, "refuses the login or its rights"),
        (ConnectionRefusedError("AKIA1"), storage.Unreached, "does not answer"),
        (TimeoutError("AKIA1"), storage.Unreached, "does not answer"),
        (OSError(28, "No space left on device"), storage.Unreached, "is full; free space"),
        (KeyError("AKIA1"), storage.StorageError, "can't be read (KeyError)"),
    ],
)
def test_an_error_is_told_by_what_to_do_and_without_its_own_words(
    error: Exception, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as found, storage.reached("sftp://user@host/landing"):
        raise error
    assert type(found.value) is kind
    assert told in str(found.value) and "AKIA1" not in str(found.value) and "user@" not in str(found.value)


def test_a_simulated_company_is_not_written_into_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_URL", "s3://company/landing")
    with pytest.raises(run.RunFailed, match="LANDING_URL names s3://company/landing"):
        run.run(order_lines=10)
