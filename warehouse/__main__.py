"""`python -m warehouse`: start, stop, migrate, version, dsn, psql."""

from __future__ import annotations

import typer

from warehouse import connections, server, version
from warehouse import migrate as migration
from warehouse.redaction import run_command
from warehouse.settings import code_version
from warehouse.version import OtherVersion

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def start() -> None:
    """Start the embedded PostgreSQL."""
    typer.echo(f"PostgreSQL listens on 127.0.0.1:{server.start()}")


@app.command()
def stop() -> None:
    """Stop the embedded PostgreSQL."""
    server.stop()


@app.command()
def migrate() -> None:
    """Bring the warehouse to this code's version: schemas, books, raw tables, roles, grants."""
    try:
        typer.echo(migration.upgrade())
    except OtherVersion as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command("version")
def show_version() -> None:
    """Show the version of the code and that of the warehouse."""
    typer.echo(f"code       {code_version()}")
    with connections.connect("admin") as connection:
        typer.echo(f"warehouse  {version.of_database(connection) or 'holds nothing yet'}")


@app.command()
def psql(role: str) -> None:
    """Open psql as ROLE, or run the statement that the variable CMD holds; no argument holds a password."""
    from warehouse.psql import open_psql

    try:
        open_psql(role)
    except (ValueError, FileNotFoundError) as error:
        raise _told(error) from error


@app.command()
def dsn(role: str) -> None:
    """Print one libpq URI for ROLE and nothing else."""
    try:
        typer.echo(connections.dsn(role))
    except (ValueError, FileNotFoundError) as error:
        raise _told(error) from error


def _told(error: Exception) -> typer.Exit:
    hint = "" if isinstance(error, ValueError) else "; start the database first: make run"
    typer.echo(f"{error}{hint}", err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    run_command(app)
