"""Command line: `revlog gate landed --business-date 2026-02-01`."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from revlog.config.refusal import Refusal

if TYPE_CHECKING:
    from revlog.gates.judging import Stage

app = typer.Typer(
    help="Great Expectations gates: judge a night before it is published.",
    no_args_is_help=True, pretty_exceptions_enable=False,
)  # fmt: skip


@app.command()
def gate(
    stage: Annotated[str, typer.Argument(help="landed, core or publish")],
    build: Annotated[int | None, typer.Option(help="build that the verdict is kept with")] = None,
    business_date: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="only look at this night; the verdict is no build's"),
    ] = None,
) -> None:
    """Run one gate; ends with 1 where a critical check failed."""
    from revlog.gates.judging import STAGES, GateFailed, judge, run_gate

    if stage not in STAGES:
        raise typer.BadParameter(f"{stage!r} is no gate; choose one of {', '.join(STAGES)}")
    if (build is None) == (business_date is None):
        raise typer.BadParameter("name the build that is judged, or the night that is only looked at")
    named = cast("Stage", stage)
    try:
        found = run_gate(named, business_date.date()) if business_date else judge(cast("int", build), named)
        print(found.text())
    except (GateFailed, Refusal) as failed:
        print(failed, file=sys.stderr)
        raise typer.Exit(1) from None


@app.command()
def accept(
    feed: Annotated[str, typer.Option(help="feed whose night is let pass")],
    business_date: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"])],
    reason: Annotated[str, typer.Option(help="why; kept with the acceptance")],
) -> None:
    """Let a feed's volume, absence, refused files and quarantine share of one date pass."""
    from revlog.gates.acceptance import accept as let_pass

    let_pass(feed, business_date.date(), reason)
    print(f"{feed} of {business_date.date()} is accepted: {reason}")
