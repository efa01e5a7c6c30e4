"""A warehouse and folders of the benchmark's own, thrown away at the end."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from revlog.companies.company import warehouse_database
from revlog.database import server
from revlog.maintenance.migrate import upgrade

# Whatever the user set for the real warehouse has no say here.
FOREIGN = ("WAREHOUSE_DSN", "LANDING_URL", "BUSINESS_DATE", "COMPANY", "LAYOUTS", "REVLOG_DATABASE")


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Start an embedded PostgreSQL of the benchmark's own; yields an empty folder beside it."""
    with tempfile.TemporaryDirectory(prefix="reverse-logistics-bench-") as name:
        var = Path(name) / "var"
        os.environ |= {"REVLOG_VAR": str(var), "REVLOG_ENV_FILE": os.devnull}
        for setting in FOREIGN:
            os.environ[setting] = ""
        server.start()
        try:
            yield Path(name)
        finally:
            server.destroy()


def fresh(database: str, landing: Path) -> None:
    """Point everything at a new migrated database and at `landing`."""
    os.environ["REVLOG_DATABASE"] = database
    os.environ["LANDING_URL"] = str(landing)
    assert warehouse_database() == database
    upgrade()
