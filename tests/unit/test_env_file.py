"""What stands in `.env` counts, unless the environment says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from revlog.config.secrets import WrongKey, customer_key, first_secret, secret, secrets_file
from revlog.config.settings import settings, variable
from revlog.local.run import default_order_lines


@pytest.fixture(autouse=True)
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `.env` of the test's own."""
    file = tmp_path / ".env"
    file.write_text(
        "REVLOG_PASSWORD_LOADER=from-the-file\n"
        "REVLOG_SECRET_CUSTOMER_KEY=a-key-from-the-file\n"
        "ORDER_LINES=1234\n"
        "COMPANY=acme\n"
        "#NOTIFY_URL=http://example.org\n"
    )
    monkeypatch.setenv("REVLOG_ENV_FILE", str(file))
    monkeypatch.setenv("REVLOG_VAR", str(tmp_path))
    for name in ("COMPANY", "ORDER_LINES", "REVLOG_PASSWORD_LOADER"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_settings_and_passwords_come_from_the_file() -> None:
    assert settings().company == "acme"
    assert default_order_lines() == 1234
    assert secret("loader") == "from-the-file"
    assert not secrets_file().exists(), "nothing had to be generated"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANY", "other")
    monkeypatch.setenv("REVLOG_PASSWORD_LOADER", "from-outside")
    assert settings().company == "other"
    assert secret("loader") == "from-outside"


def test_what_is_commented_out_has_its_default() -> None:
    assert variable("NOTIFY_URL", "none") == "none"


def test_a_new_warehouse_takes_the_customer_key_that_is_given() -> None:
    assert customer_key() == b"a-key-from-the-file"


@pytest.mark.parametrize("name", ["customer_key", "postgres"])
def test_what_a_warehouse_hangs_on_is_not_made_anew(name: str, env_file: Path) -> None:
    env_file.write_text("")
    with pytest.raises(WrongKey, match=f"{name} is missing: .* Restore it from the backup"):
        secret(name)
    assert name not in secrets_file().read_text()


def test_for_a_new_warehouse_it_is_made_once(env_file: Path) -> None:
    env_file.write_text("")
    made = first_secret("customer_key")
    assert (first_secret("customer_key"), customer_key()) == (made, made.encode())
