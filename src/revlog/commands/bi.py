"""`revlog bi`: write, up, down."""

from __future__ import annotations

import typer

from revlog.bi import loopback

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def write() -> None:
    """Make `bi/assets` anew from the published tables' words, the KPI definitions and its dashboards."""
    from revlog.bi.assets_files import write as write_files

    typer.echo(write_files())


@app.command()
def up() -> None:
    """Start Superset on loopback with the dashboards in it, and say where it is and who may log in."""
    try:
        typer.echo(loopback.up(typer.echo))
    except loopback.SupersetError as error:
        typer.echo(f"\n{error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def down() -> None:
    """Stop Superset; what people made in it stays."""
    typer.echo("Stopped: Superset." if loopback.down() else "Superset was not running.")
