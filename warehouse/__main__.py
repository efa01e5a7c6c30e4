"""`python -m warehouse`: start, stop, migrate, dsn, destroy."""

from __future__ import annotations

import typer

from warehouse import connections, server
from warehouse import migrate as migration

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
    """Create schemas, ops tables, raw tables, roles and grants."""
    migration.migrate()
    from ingestion.raw import create_raw_tables

    create_raw_tables()
    migration.grant()


@app.command()
def dsn(role: str) -> None:
    """Print one libpq URI for ROLE and nothing else."""
    try:
        typer.echo(connections.dsn(role))
    except (ValueError, FileNotFoundError) as error:
        hint = "" if isinstance(error, ValueError) else "; start the database first: make run"
        typer.echo(f"{error}{hint}", err=True)
        raise typer.Exit(1) from error


@app.command()
def destroy() -> None:
    """Stop the embedded PostgreSQL and remove its data."""
    server.destroy()


if __name__ == "__main__":
    app()
