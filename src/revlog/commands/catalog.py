"""`revlog catalog`: write the pages of the data dictionary and dbt's documentation; says where."""

from __future__ import annotations

import typer

from revlog.catalog.site import write_dictionary
from revlog.config.settings import settings
from revlog.database import server
from revlog.transform.outcomes import CheckFailed
from revlog.transform.pages import write_docs

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def catalog() -> None:
    """Write the pages of the data dictionary and dbt's documentation; says where they are."""
    folder = settings().var / "pages"
    if server.wake():
        typer.echo("PostgreSQL was stopped, and runs again (stop: make down)")
    try:
        write_docs()
    except CheckFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    made = write_dictionary(folder, settings().var / "dbt" / "target")
    typer.echo(f"data dictionary: {folder / 'index.html'} ({len(made)} files)")
    typer.echo(f"dbt docs, with lineage: {folder / 'dbt.html'}")
