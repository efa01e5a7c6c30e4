"""Passwords and keys: the environment, a folder with a file for each, or generated into one 0600 file."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import secrets as random
from pathlib import Path

from revlog.config.settings import SettingsError, settings, variable

CUSTOMER_KEY = "customer_key"
# What can't be made anew over a warehouse that exists, and what hangs on it.
IRREPLACEABLE = {
    CUSTOMER_KEY: "customers were hashed with it, and their rows would not join without it",
    "postgres": "the embedded PostgreSQL's administrator logs in with it",
}


class SecretWithheld(SettingsError):
    """The secret is in a file that this process may not read, or that is not there."""


class WrongKey(SettingsError):
    """A key is missing, or is not the warehouse's; the message says what to do."""


def secret(name: str) -> str:
    """Return the secret called `name`, generating and keeping it on first use.

    The environment, then `.env`, wins: REVLOG_SECRET_<NAME> for keys, REVLOG_PASSWORD_<ROLE> for roles.
    Where REVLOG_SECRETS names a folder, its file `name` holds the secret, and none is generated: there each
    stage may be another system user, who opens its own file only. Raises SecretWithheld where it can't be
    opened, WrongKey for one that is missing and can't be made anew.
    """
    found = _found(name, may_generate=name not in IRREPLACEABLE)
    if found is None:
        setting = (
            f"REVLOG_SECRET_{name.upper()}" if name == CUSTOMER_KEY else f"REVLOG_PASSWORD_{name.upper()}"
        )
        raise WrongKey(
            f"{name} is missing: neither {setting} nor {secrets_file()} holds it, and {IRREPLACEABLE[name]}."
            " Nothing was written. Restore it from the backup: docs/how-to/personal-data.md, The key"
        )
    return found


def customer_key() -> bytes:
    """Key of the customer pseudonyms; kept outside the warehouse."""
    return secret(CUSTOMER_KEY).encode()


def first_secret(name: str) -> str:
    """The same for a warehouse that is only being made: what is missing is generated."""
    return str(_found(name, may_generate=True))


def secrets_file() -> Path:
    """Where generated secrets are kept, readable by their owner only."""
    return settings().var / "secrets.json"


def secrets_folder() -> Path | None:
    """The folder that REVLOG_SECRETS names, where it does."""
    named = variable("REVLOG_SECRETS")
    return Path(named) if named else None


def _found(name: str, *, may_generate: bool) -> str | None:
    given = (variable(prefix + name.upper()) for prefix in ("REVLOG_PASSWORD_", "REVLOG_SECRET_"))
    if value := next(filter(None, given), None):
        return value
    return _handed_out(name) if secrets_folder() else _kept(name, may_generate=may_generate)


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


def known(name: str) -> str | None:
    """The secret called `name` where there is one; none is generated."""
    with contextlib.suppress(SecretWithheld):
        return _found(name, may_generate=False)
    return None


def generated() -> dict[str, str]:
    """Every secret that was generated, or kept, here."""
    path = secrets_file()
    found: dict[str, str] = json.loads(path.read_text() or "{}") if path.exists() else {}
    return found


def keep(found: dict[str, str]) -> None:
    """Keep secrets that came with a backup; those that are known here stay.

    Where REVLOG_SECRETS names a folder, what belongs there is nobody's to write but its owner's.
    """
    fresh = {name: value for name, value in found.items() if not known(name)}
    if not fresh or secrets_folder():
        return
    handle = os.open(secrets_file(), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        file.seek(0)
        file.write(json.dumps(fresh | json.loads(text or "{}"), indent=1))
        file.truncate()


def _kept(name: str, *, may_generate: bool) -> str | None:
    path = secrets_file()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        known: dict[str, str] = json.loads(text) if text else {}
        if name not in known and may_generate:
            known[name] = random.token_urlsafe(24)
            file.seek(0)
            file.write(json.dumps(known, indent=1))
            file.truncate()
    return known.get(name)
