"""DuckDB as an engine for the SELECT of a layout: in memory, without files or network, within bounds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# What is more goes to disk.
MEMORY = "512MB"
_SETTINGS = (
    "set TimeZone = 'UTC'",
    "set python_enable_replacements = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


@contextmanager
def sandbox() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own; it is gone afterwards."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="select-") as spill:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": MEMORY, "threads": "1", "temp_directory": spill,
                "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            },
        )  # fmt: skip
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            yield connection
        finally:
            connection.close()
