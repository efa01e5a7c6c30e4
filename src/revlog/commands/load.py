"""`revlog load`: files into raw."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from revlog.builds import clock
from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.contracts.contract import ContractError, feeds
from revlog.ingestion.load import FeedResult, load_feed
from revlog.ingestion.unclaimed import sweep

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def load(
    day: Annotated[dt.datetime | None, typer.Argument(formats=["%Y-%m-%d"])] = None,
    business_date: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The same as DAY.")
    ] = None,
    feed: Annotated[list[str] | None, typer.Option(help="Only these feeds.")] = None,
) -> None:
    """Load what has landed up to DAY (else BUSINESS_DATE of the settings).

    Ends with 0 also where files were rejected or rows quarantined: they are in the ledger, and the
    gate after ingestion decides.
    """
    given = day or business_date
    date = given.date() if given else settings().business_date
    if date is None:
        raise typer.BadParameter("name the day: revlog load 2026-02-01")
    try:
        clock.check(date, "loader")
        results, broken = _load_each(feed or feeds(), date)
        if not feed:
            for found in sweep(date):
                typer.echo(f"no layout takes  {found}", err=True)
    except (ContractError, Refusal) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    summarise(results)
    if broken:
        typer.echo("\n".join(broken), err=True)
        raise typer.Exit(1)


def _load_each(names: list[str], date: dt.date) -> tuple[list[FeedResult], list[str]]:
    """Load the feeds; what is wrong with one's contract keeps no other from being loaded."""
    results: list[FeedResult] = []
    broken: list[str] = []
    for name in names:
        try:
            results.append(load_feed(name, date, typer.echo))
        except ContractError as error:
            broken.append(f"{name} was not loaded: {error}")
    return results, broken


def summarise(results: list[FeedResult]) -> None:
    """Print what became of files and rows, and each file that was refused."""
    rejected = [f for r in results for f in r.rejected]
    typer.echo(
        f"{sum(len(r.files) for r in results)} files, "
        f"{sum(r.total('loaded') for r in results):,} rows loaded, "
        f"{sum(r.total('quarantined') for r in results):,} quarantined, "
        f"{sum(r.total('duplicate') for r in results):,} duplicate, "
        f"{len(rejected)} files rejected"
    )
    for file in rejected:
        typer.echo(f"rejected  {file.name}: {file.reason}", err=True)
