"""The version of the code, and the one that the database was last brought to.

`pyproject.toml` holds the first, in step with CHANGELOG.md; `ops.versions` the second.
"""

from __future__ import annotations

from typing import Any

import psycopg
from packaging.version import Version
from psycopg.rows import tuple_row

from revlog.config.refusal import Refusal
from revlog.config.settings import code_version, project_version

# A warehouse that has no ops.versions.
BEFORE_VERSIONS = Version("0.1.0")


class OtherVersion(Refusal):
    """Code and database are of two versions; the message says which of them has to move."""


def of_code() -> Version:
    """Version of this code."""
    return Version(project_version())


def of_database(connection: psycopg.Connection[Any]) -> Version | None:
    """Version that the database was last brought to; None where it holds no warehouse yet."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(
            "select to_regclass('ops.file_ledger') is null, to_regclass('ops.versions') is null"
        ).fetchone()
        if found == (True, True):
            return None
        if found == (False, True):
            return BEFORE_VERSIONS
        row = cursor.execute("select version from ops.versions order by upgrade_id desc limit 1").fetchone()
    return Version(row[0]) if row else BEFORE_VERSIONS


def refuse_older_code(connection: psycopg.Connection[Any]) -> None:
    """Raise OtherVersion where newer code has upgraded the database: this code would lose what that keeps."""
    found = of_database(connection)
    if found and found > of_code():
        raise OtherVersion(
            f"the warehouse is of version {found}, this code of {of_code()}, which does not know what newer"
            f" code keeps. Run {found} or newer, or restore a backup that was made before the upgrade"
        )


def refuse_another(connection: psycopg.Connection[Any]) -> None:
    """Raise OtherVersion where code and database are not of one version."""
    refuse_older_code(connection)
    found = of_database(connection)
    if found and found < of_code():
        raise OtherVersion(
            f"the warehouse is of version {found}, this code of {of_code()}. Upgrade the warehouse, after a"
            " backup: make upgrade (docs/how-to/back-up-and-upgrade.md)"
        )


def note(connection: psycopg.Connection[Any]) -> None:
    """Write down that the database is of this code's version by now."""
    connection.execute(
        "insert into ops.versions (version, code_version) select %(version)s, %(code)s where %(version)s"
        " is distinct from (select version from ops.versions order by upgrade_id desc limit 1)",
        {"version": str(of_code()), "code": code_version()},
    )
