"""What was measured, as lines for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

import psycopg
from rich.console import Console
from rich.table import Table

from revlog.database.connections import dsn

PACKAGES = ("pandas", "pyarrow", "dbt-core", "great-expectations", "dlt")


@dataclass(frozen=True)
class Row:
    """One comparison: `ours` beside `rival`, each in words with its unit, and their ratio."""

    what: str
    ours: str
    rival: str
    ratio: float
    aim: str


def versions() -> str:
    """Python, PostgreSQL, packages and machine in one line."""
    with psycopg.connect(dsn("admin", "postgres")) as connection:
        row = connection.execute("show server_version").fetchone()
    named = [f"PostgreSQL {row[0] if row else '?'}", f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            named.append(f"{package} {version(package)}")
        except ModuleNotFoundError:
            named.append(f"{package} absent")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join(named) + f"; {os.cpu_count()} cores, {gib:.0f} GiB"


def show(title: str, rows: Iterable[Row]) -> None:
    """Print a table as soon as its part is measured."""
    table = Table(title=title, title_justify="left")
    for column in ("what", "ours", "beside", "ratio", "aim"):
        table.add_column(column, justify="right" if column == "ratio" else "left")
    for row in rows:
        table.add_row(row.what, row.ours, row.rival, f"{row.ratio:.2f}", row.aim)
    Console().print(table)
