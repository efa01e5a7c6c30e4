"""Command line: `revlog workbook 2026-01`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="What finance reads as a file.", no_args_is_help=True, pretty_exceptions_enable=False
)  # fmt: skip


@app.callback()
def main() -> None:
    """Keep `workbook` a command of its own."""


@app.command()
def workbook(
    period: Annotated[str, typer.Argument(help="fiscal period, YYYY-PP")],
    to: Annotated[Path | None, typer.Option(help="file to write instead of var/finance/…")] = None,
) -> None:
    """Write the reconciliation of one fiscal period as an XLSX workbook, and print where it is."""
    from revlog.reports.workbook import WorkbookFailed, write_workbook

    try:
        print(write_workbook(period, to))
    except WorkbookFailed as failed:
        print(failed, file=sys.stderr)
        raise typer.Exit(1) from None
