"""`python -m ingestion`: load, migrate, check, dbt-sources, dictionary."""

from __future__ import annotations

import datetime as dt

import typer

from ingestion.contract import all_feeds, feeds, load_contract
from ingestion.load import load_feed
from ingestion.raw import create_raw_tables

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def load(business_date: str, feed: list[str] = typer.Option([], help="Only these feeds.")) -> None:  # noqa: B008
    """Load what has landed up to BUSINESS_DATE (YYYY-MM-DD)."""
    date = dt.date.fromisoformat(business_date)
    results = [load_feed(name, date, typer.echo) for name in feed or feeds()]
    rejected = [f for r in results for f in r.rejected]
    typer.echo(
        f"{sum(len(r.files) for r in results)} files, "
        f"{sum(r.total('loaded') for r in results):,} rows loaded, "
        f"{sum(r.total('quarantined') for r in results):,} quarantined, "
        f"{sum(r.total('duplicate') for r in results):,} duplicate, "
        f"{len(rejected)} files rejected"
    )


@app.command()
def migrate() -> None:
    """Create the raw tables that the contracts describe."""
    create_raw_tables()


@app.command()
def check() -> None:
    """Check every contract and its layouts."""
    for feed in all_feeds():
        contract = load_contract(feed)
        typer.echo(f"{feed}: {len(contract.columns)} columns, layouts {', '.join(contract.layouts)}")


if __name__ == "__main__":
    app()
