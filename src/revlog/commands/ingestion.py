"""`revlog ingestion`: what helps to write contracts and layouts, single files, customers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from revlog.builds import clock
from revlog.catalog.feeds_page import write_page
from revlog.commands.load import summarise
from revlog.config.refusal import Refusal
from revlog.config.settings import settings
from revlog.contracts.contract import STANDARD, ContractError, all_feeds, load_contract
from revlog.contracts.schema import write_schemas
from revlog.ingestion.check import faults
from revlog.ingestion.customer_key import keep_key, keyed_hash_of
from revlog.ingestion.erasure import MOST_NUMBERS, NotErased
from revlog.ingestion.erasure import erase as erase_customers
from revlog.ingestion.load import reload as reload_file
from revlog.ingestion.storage import at_hand
from revlog.transform.sources import write_sources
from revlog.values.reasons import FileRejected

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def reload(feed: str, name: str, day: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"])]) -> None:
    """Load the file NAME of FEED anew, as after a correction of its contract or layout."""
    try:
        clock.check(day.date(), "loader")
        summarise([reload_file(feed, name, day.date(), typer.echo)])
    except (ContractError, LookupError, Refusal) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def preview(
    file: Annotated[str, typer.Argument(help="A file here, or s3://…, gs://…, abfs://…, sftp://…")],
    feed: Annotated[str | None, typer.Option(help="Only this feed, whatever the file is called.")] = None,
    layout: Annotated[str | None, typer.Option(help="Only this layout.")] = None,
    company: Annotated[
        str | None, typer.Option(help="Its layouts, by name or path; else those of COMPANY.")
    ] = None,
) -> None:
    """Show what FILE would bring, without the warehouse."""
    from revlog.ingestion.preview import candidates
    from revlog.ingestion.preview import preview as preview_file

    try:
        with at_hand(file) as path:
            for contract, name in candidates(path, company or settings().company, feed, layout):
                for line in preview_file(path, contract, name).lines():
                    typer.echo(line)
    except (ContractError, LookupError, OSError, Refusal) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def draft(file: str, feed: Annotated[str, typer.Option(help="What the file's rows are.")]) -> None:
    """Print a layout drafted from FILE; what it can't tell stands in it as a question."""
    from revlog.ingestion.draft import draft as draft_layout

    try:
        with at_hand(file) as path:
            typer.echo(draft_layout(path, load_contract(feed, STANDARD)))
    except (ContractError, FileRejected, OSError, Refusal) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def schema() -> None:
    """Write the JSON schemas of contracts, layouts and company.yml, for editors."""
    for path in write_schemas():
        typer.echo(f"wrote {path.name}")


@app.command()
def check(
    company: Annotated[
        list[str] | None, typer.Option(help="Companies, by name or path of the folder; else that of COMPANY.")
    ] = None,
) -> None:
    """Check every contract, and the company's whole folder; tells all faults with file and line."""
    companies = dict.fromkeys([STANDARD, *(company or [settings().company])])
    try:
        found = [fault for name in companies for fault in faults(name)]
        for fault in found:
            typer.echo(str(fault), err=True)
        if found:
            raise typer.Exit(1)
        for feed in all_feeds():
            contract = load_contract(feed)
            typer.echo(f"{feed}: {len(contract.columns)} columns, layouts {', '.join(contract.layouts)}")
    except ContractError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def erase(
    customers: list[str],
    reason: Annotated[str, typer.Option(help="Why; it is kept for good and names no customer.")],
    most_numbers: Annotated[
        int, typer.Option(help="How many merged numbers may be one person's.")
    ] = MOST_NUMBERS,
) -> None:
    """Delete what names CUSTOMERS (the company's numbers, or hash: and a keyed hash) for good."""
    try:
        for person in erase_customers(customers, reason, most_numbers):
            typer.echo(str(person))
    except (NotErased, Refusal) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"No load lets them in again. Not reached: files of the landing zone ({settings().landing}), backups,"
        " logs and pages on disk"
    )


@app.command()
def customer_key(
    known_customer: Annotated[
        str | None, typer.Option(help="A number with rows, for a warehouse without fingerprint.")
    ] = None,
) -> None:
    """Say whether the customer key at hand is the warehouse's."""
    keep_key(known_customer)
    typer.echo("The customer key at hand is the warehouse's.")


@app.command()
def customer(number: str) -> None:
    """Print the keyed hash of the customer whom the company calls NUMBER."""
    try:
        typer.echo(keyed_hash_of(number.strip()))
    except Refusal as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def dbt_sources() -> None:
    """Write the dbt sources from the contracts."""
    for path in write_sources():
        typer.echo(f"wrote {path.name}")


@app.command()
def dictionary() -> None:
    """Write the data dictionary page from the contracts."""
    typer.echo(f"wrote {write_page().name}")
