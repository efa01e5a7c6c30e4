"""What every file of the migration keeps to."""

from __future__ import annotations

import re

from revlog.maintenance.migrate import SQL

# PostgreSQL locks readers out before it looks whether there is anything to do.
LOCKS_FIRST = re.compile(r"(?im)^\s*alter table .*\b(add|drop) column if (not )?exists")


def test_no_step_locks_readers_out_where_it_changes_nothing() -> None:
    files = sorted(SQL.glob("*.sql"))
    assert len(files) > 10
    found = [file.name for file in files if LOCKS_FIRST.search(file.read_text())]
    assert found == [], (
        "write call ops.add_column('schema.table', 'column', 'type') or ops.drop_column instead"
    )
