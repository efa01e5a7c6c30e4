"""psql as one of the roles, with the password in a service file that only its owner reads."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from revlog.config.redaction import environment_without_secrets
from revlog.config.settings import settings
from revlog.database import server
from revlog.database.connections import dsn, must_exist, must_run
from revlog.database.programs import write_service


def open_psql(role: str) -> None:
    """Become psql as `role`; with CMD in the environment it runs that statement and ends.

    Raises ValueError for an unknown role, or a value that a service file can't hold.
    """
    must_run()
    must_exist()
    program = shutil.which("psql") or server.program("psql")
    command = ["--command", os.environ["CMD"]] if os.environ.get("CMD") else []
    environment = environment_without_secrets() | {"PGSERVICEFILE": str(service_file(role))}
    sys.stdout.flush()
    os.execve(program, ["psql", f"service={role}", *command], environment)


def service_file(role: str) -> Path:
    """Write libpq's service file of `role` (0600) and return it: `PGSERVICEFILE=… psql service=bi_reader`."""
    path = settings().var / "pg_service" / f"{role}.conf"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    write_service(path, role, dsn(role))
    return path
