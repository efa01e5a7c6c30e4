"""`python -m nightly 2026-01-31`: one night without an orchestrator, from landing zone to marts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from nightly import stages
from nightly.errors import ConnectionBroken, NightFailed
from warehouse.redaction import run_command

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def night(
    business_date: str,
    full_refresh: Annotated[bool, typer.Option(help="Compute everything anew.")] = False,
) -> None:
    """Run every stage in order; what a check holds back stays at its last good night, and ends it with 1."""
    try:
        dt.date.fromisoformat(business_date)
    except ValueError as error:
        raise typer.BadParameter(f"{business_date!r} is no date such as 2026-01-31") from error
    try:
        stages.whole_night(business_date, typer.echo, full_refresh)
    except (NightFailed, ConnectionBroken) as error:
        typer.echo(f"\n{error}\n\nWhat to do: docs/runbook.md", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    run_command(app)
