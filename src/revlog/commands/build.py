"""`revlog build --business-date D`: staging, core and marts with dbt, layer by layer.

No gate has judged what this builds, so it is never published; a night does all of it: `revlog night D`.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from revlog.builds import judged
from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.transform.build import LAYERS, begin, run_layer
from revlog.transform.outcomes import ConnectionBroken
from revlog.transform.pages import write_docs

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    business_date: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    full_refresh: Annotated[bool, typer.Option(help="Compute everything anew.")] = False,
) -> None:
    """Build staging, core and marts as of BUSINESS_DATE."""
    if context.invoked_subcommand:
        return
    date = business_date.date() if business_date else settings().business_date
    if date is None:
        raise typer.BadParameter("give --business-date or set BUSINESS_DATE")
    try:
        with judged.turn(f"a build of {date}, {judged.process()}"):
            _build_unjudged(date, full_refresh)
    except (Refusal, ConnectionBroken) as error:
        typer.echo(str(error), err=True)
        # 75 (EX_TEMPFAIL) tells a caller that trying again may help.
        raise typer.Exit(75 if isinstance(error, ConnectionBroken) else 1) from error


def _build_unjudged(date: dt.date, full_refresh: bool) -> None:
    build = begin(date, full_refresh)
    typer.echo(str(build))
    for layer in LAYERS:
        typer.echo(run_layer(build.build_id, layer))
    typer.echo(
        "No gate has judged it, so it stays unpublished, and the next night takes in what it did."
        f" A night with gates, published at its end: revlog night {date}"
    )


@app.command()
def docs() -> None:
    """Write dbt's documentation as one page."""
    typer.echo(f"dbt docs: {write_docs()}")
