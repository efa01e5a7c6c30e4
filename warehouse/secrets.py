"""Generated passwords and keys: one 0600 file, or the environment."""

from __future__ import annotations

import fcntl
import json
import os
import secrets as random
from pathlib import Path

from warehouse.settings import settings


def secret(name: str) -> str:
    """Return the secret called `name`, generating and keeping it on first use.

    The environment wins: REVLOG_SECRET_<NAME> for keys, REVLOG_PASSWORD_<ROLE> for roles.
    """
    for prefix in ("REVLOG_PASSWORD_", "REVLOG_SECRET_"):
        if value := os.environ.get(prefix + name.upper()):
            return value
    return _kept(name)


def secrets_file() -> Path:
    """Where generated secrets are kept, readable by their owner only."""
    return settings().var / "secrets.json"


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
