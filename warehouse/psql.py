"""psql as one of the roles, with the password in a service file that only its owner reads."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from warehouse import server
from warehouse.connections import dsn
from warehouse.redaction import environment_without_secrets
from warehouse.settings import settings


def open_psql(role: str) -> None:
    """Become psql as `role`; with CMD in the environment it runs that statement and ends.

    Raises ValueError for an unknown role, or a value that a service file can't hold.
    """
    program = shutil.which("psql") or server.program("psql")
    command = ["--command", os.environ["CMD"]] if os.environ.get("CMD") else []
    environment = environment_without_secrets() | {"PGSERVICEFILE": str(service_file(role))}
    sys.stdout.flush()
    os.execve(program, ["psql", f"service={role}", *command], environment)


def service_file(role: str) -> Path:
    """Write libpq's service file of `role` (0600) and return it: `PGSERVICEFILE=… psql service=bi_reader`."""
    path = settings().var / "pg_service" / f"{role}.conf"
    lines = [f"{name}={_line(name, str(value))}" for name, value in conninfo_to_dict(dsn(role)).items()]
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join([f"[{role}]", *lines, ""]))
    return path


def _line(name: str, value: str) -> str:
    """libpq takes a value to the end of its line, but for white space there."""
    if value != value.rstrip() or not value.isprintable():
        raise ValueError(f"the {name} ends with a space or holds a line break, which a service file can't")
    return value
