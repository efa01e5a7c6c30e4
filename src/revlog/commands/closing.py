"""`revlog period close 2026-01 --approver "A. Controller"`: close and reopen periods, decide on items."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from revlog.closing import decisions, periods
from revlog.config.refusal import Refusal
from revlog.night import stages
from revlog.night.errors import NightFailed

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Approver = Annotated[str, typer.Option(help="Name of the person who answers for it.")]
Note = Annotated[str, typer.Option(help="Why, in words that name no customer: they are kept for good.")]


@app.command()
def close(
    period: str,
    approver: Approver,
    note: Note = "",
    with_earlier: Annotated[bool, typer.Option(help="Close the open periods before it, too.")] = False,
) -> None:
    """Freeze PERIOD (YYYY-PP) as it is published."""
    with _refusals_told():
        _act("close", period, approver, note, with_earlier)


@app.command()
def reopen(period: str, approver: Approver, note: Note = "") -> None:
    """Reopen PERIOD, the latest closed one; its figures stay on record."""
    with _refusals_told():
        _act("reopen", period, approver, note, False)


@app.command()
def resolve(
    group: Annotated[str, typer.Option(help="Column Group of the workbook.")],
    decision: Annotated[str, typer.Option("--as", help="accept, write_off, pursue; undecided takes back.")],
    by: Annotated[str, typer.Option(help="Name of the person who answers for it.")],
    note: Note = "",
    gap: Annotated[str | None, typer.Option(help="Where the group has several items, such as E-M.")] = None,
    of_class: Annotated[str | None, typer.Option("--class", help="The same: TAX and the like.")] = None,
) -> None:
    """Record what was decided on an open item; the next workbook shows it."""
    with _refusals_told():
        typer.echo(str(decisions.resolve(group, decision, by, note, gap, of_class)))


@app.command()
def status() -> None:
    """Show every period: open, or closed by whom and when."""
    with _refusals_told():
        for line in periods.status():
            typer.echo(str(line))


def _act(act: str, period: str, approver: str, note: str, with_earlier: bool) -> None:
    changed = stages.close_period(act, period, approver, note, with_earlier, typer.echo)
    typer.echo(stages.write_workbooks(changed))


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except (Refusal, NightFailed) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
