"""`revlog night 2026-01-31` and `revlog status`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from revlog.night import stages
from revlog.night import status as standing
from revlog.night.errors import ConnectionBroken, NightFailed
from revlog.outputs.escaping import one_line
from revlog.outputs.terminal import within_the_terminal

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def night(
    business_date: str,
    full_refresh: Annotated[bool, typer.Option(help="Compute everything anew.")] = False,
    to: Annotated[str | None, typer.Option(help="Last date of a range that begins with the first.")] = None,
    keep: Annotated[
        stages.Keep, typer.Option(help="Dates of the range that get a night of their own, beside the last.")
    ] = "last",
) -> None:
    """Run one night without an orchestrator, from landing zone to marts: every stage in order.

    What a check holds back stays at its last good night, and ends it with 1. `--to` takes in all dates up to
    that one: `revlog night 2026-01-01 --to 2026-03-31 --keep months`.
    """
    first, last = _date(business_date), _date(to or business_date)
    if last < first:
        raise typer.BadParameter(f"{last} is before {first}")
    with within_the_terminal():
        try:
            stages.catch_up(first.isoformat(), last.isoformat(), keep, typer.echo, full_refresh)
        except (NightFailed, ConnectionBroken) as error:
            found = [one_line(f"{f.owner}: {f.remedy} ({f})") for f in getattr(error, "findings", ())]
            typer.echo("\n".join([f"\n{error}\n", *found, "What to do: docs/runbook.md"]), err=True)
            raise typer.Exit(1) from error


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-01-31") from error


@app.command()
def status() -> None:
    """Say which night stands, what runs, what failed and its remedy, and what waits to be loaded.

    Reads only, and waits for nobody. An embedded server that is stopped is started.
    """
    try:
        is_whole = standing.show()
    except (NightFailed, ConnectionBroken) as error:
        typer.echo(f"{error}\n\nWhat to do: docs/runbook.md", err=True)
        raise typer.Exit(1) from error
    if not is_whole:
        raise typer.Exit(1)
