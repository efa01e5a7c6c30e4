"""Passwords and keys: the environment, a folder with a file for each, or generated into one 0600 file."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import secrets as random
from pathlib import Path

from warehouse.settings import SettingsError, settings, variable

CUSTOMER_KEY = "customer_key"


class SecretWithheld(SettingsError):
    """The secret is in a file that this process may not read, or that is not there."""


class KeyChanged(RuntimeError):
    """Another customer key is set than the one that the warehouse's customers were hashed with."""


def secret(name: str) -> str:
    """Return the secret called `name`, generating and keeping it on first use.

    The environment, then `.env`, wins: REVLOG_SECRET_<NAME> for keys, REVLOG_PASSWORD_<ROLE> for roles.
    Where REVLOG_SECRETS names a folder, its file `name` holds the secret, and none is generated: there each
    stage may be another system user, who opens its own file only. Raises SecretWithheld where it can't be
    opened, KeyChanged where a key would split old and new rows of every customer.
    """
    for prefix in ("REVLOG_PASSWORD_", "REVLOG_SECRET_"):
        if value := variable(prefix + name.upper()):
            if name == CUSTOMER_KEY:
                _must_be_the_kept_one(value)
            return value
    return _handed_out(name) if secrets_folder() else _kept(name)


def secrets_file() -> Path:
    """Where generated secrets are kept, readable by their owner only."""
    return settings().var / "secrets.json"


def secrets_folder() -> Path | None:
    """The folder that REVLOG_SECRETS names, where it does."""
    named = variable("REVLOG_SECRETS")
    return Path(named) if named else None


def _handed_out(name: str) -> str:
    path = (secrets_folder() or Path()) / name
    try:
        return path.read_text().rstrip("\n")
    except PermissionError:
        raise SecretWithheld(
            f"{path} is withheld from the system user {getpass.getuser()}: a stage gets the password of"
            " its own role only, and this one was to log in as another"
        ) from None
    except OSError as error:
        raise SecretWithheld(
            f"{path} can't be read ({error.strerror}), though REVLOG_SECRETS names its folder: put the secret"
            " there, or unset REVLOG_SECRETS"
        ) from None


def _must_be_the_kept_one(key: str) -> None:
    path = secrets_file()
    kept = json.loads(path.read_text() or "{}").get(CUSTOMER_KEY) if path.exists() else None
    if kept not in (None, key):
        raise KeyChanged(
            f"REVLOG_SECRET_CUSTOMER_KEY is not the key in {path}, with which customers were hashed so far:"
            " their old and new rows would not join. Unset it, or for a new warehouse remove the old key."
        )


def _kept(name: str) -> str:
    path = secrets_file()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        known: dict[str, str] = json.loads(text) if text else {}
        if name not in known:
            known[name] = random.token_urlsafe(24)
            file.seek(0)
            file.write(json.dumps(known, indent=1))
            file.truncate()
    return known[name]
