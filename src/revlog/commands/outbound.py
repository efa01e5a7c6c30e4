"""`revlog outbound send`: tell other systems what is published, each event once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from revlog.config.refusal import Refusal
from revlog.config.settings import SettingsError
from revlog.night import stages
from revlog.night.errors import ConnectionBroken, NightFailed

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def send(
    feed: Annotated[list[str] | None, typer.Option(help="Only these feeds.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be told; write and send nothing.")
    ] = False,
    most: Annotated[
        int | None,
        typer.Option(min=1, help="Events of a feed that this run may tell, instead of OUTBOUND_MOST."),
    ] = None,
) -> None:
    """Send what is published and was not told yet, of every feed that has a destination.

    An event goes once; a figure that has changed since goes as a correction. May be repeated at any time.
    """
    from revlog.outbound.send import send as tell_others

    with _refusals_told():
        if dry_run:
            with stages.translated():
                typer.echo(tell_others(feed, dry_run=True, tell=typer.echo))
        else:
            typer.echo(stages.tell_others(feed, most))


@app.command()
def status() -> None:
    """Show which feeds are on, what was told last, what waits and why."""
    from revlog.outbound.standing import status as standing

    with _refusals_told(), stages.translated():
        for line in standing():
            typer.echo(line)


@app.command("set-aside")
def set_aside(
    event: Annotated[str, typer.Argument(help="Number of the event, as `revlog outbound status` names it.")],
    by: Annotated[str, typer.Option(help="Name of the person who answers for it.")],
    note: Annotated[str, typer.Option(help="Why, in words that name no customer: they are kept for good.")],
) -> None:
    """Give up an event that its receiver refuses; later revisions of it go on."""
    from revlog.database.connections import connect
    from revlog.outbound import ledger

    with _refusals_told(), stages.translated(), connect("sender", autocommit=True) as connection:
        typer.echo(ledger.set_aside(connection, event, by, note))


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except (Refusal, SettingsError, NightFailed, ConnectionBroken) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
