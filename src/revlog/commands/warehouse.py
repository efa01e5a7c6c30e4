"""`revlog warehouse`: start, stop, migrate, publish, unpublish, set-clock, backup, restore, dsn, psql."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from revlog.builds import clock, judged
from revlog.config.refusal import Refusal
from revlog.config.settings import code_version
from revlog.database import connections, server, version
from revlog.maintenance import migrate as migration

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
    with _refusals_told():
        typer.echo(migration.upgrade())


@app.command("version")
def show_version() -> None:
    """Show the version of the code and that of the warehouse."""
    typer.echo(f"code       {code_version()}")
    with connections.connect("admin") as connection:
        typer.echo(f"warehouse  {version.of_database(connection) or 'holds nothing yet'}")


@app.command()
def psql(role: str) -> None:
    """Open psql as ROLE, or run the statement that the variable CMD holds; no argument holds a password."""
    from revlog.database.psql import open_psql

    try:
        open_psql(role)
    except (ValueError, FileNotFoundError) as error:
        raise _told(error) from error


@app.command()
def unpublish(
    approver: Annotated[str, typer.Option(help="Name of the person who answers for it.")],
    note: Annotated[str, typer.Option(help="Why, in words.")],
) -> None:
    """Withdraw the newest publication: readers see again what they saw before it."""
    from revlog.publication import unpublish as withdrawal

    with _refusals_told():
        typer.echo(str(withdrawal.unpublish(approver, note)))


@app.command()
def publish(build: Annotated[int, typer.Argument(help="number of the build, as its night said it")]) -> None:
    """Finish and publish BUILD, if every gate of it has said yes; refuses otherwise."""
    from revlog.publication.publish import publish as publish_build

    with _refusals_told():
        typer.echo(f"{judged.finish(build)}, built")
        found = publish_build(build)
        typer.echo(f"publication {found.publication_id}" if found.is_new else "nothing differs")


@app.command()
def set_clock(
    date: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"])],
    reason: Annotated[str, typer.Option(help="why; kept with the setting")],
) -> None:
    """Move the clock back to DATE, after a night of a mistyped date was published."""
    with _refusals_told():
        typer.echo(clock.set_back(date.date(), reason))


@app.command("rename-company")
def rename_company(old: str) -> None:
    """Let the company that the warehouse knows as OLD be called as COMPANY says, on a server of your own."""
    from revlog.database import served

    with _refusals_told():
        typer.echo(served.rename(old))


@contextlib.contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except Refusal as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def dsn(role: str) -> None:
    """Print one libpq URI for ROLE and nothing else."""
    try:
        address = connections.dsn(role)
        connections.must_exist()
        typer.echo(address)
    except (ValueError, FileNotFoundError) as error:
        raise _told(error) from error


def _told(error: Exception) -> typer.Exit:
    hint = "" if isinstance(error, ValueError) else "; start the database first: make run"
    typer.echo(f"{error}{hint}", err=True)
    return typer.Exit(1)


@app.command()
def backup(
    to: Annotated[Path, typer.Option(help="New folder of the backup.")],
    secrets: Annotated[bool, typer.Option(help="With the customer key and the passwords.")] = True,
) -> None:
    """Back up everything that can't be made again into one folder."""
    from revlog.maintenance.backup import SECRETS, BackupFailed, back_up

    try:
        made = back_up(to, secrets, typer.echo)
    except BackupFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{to}: {made}")
    if made.holds_secrets:
        typer.echo(f"It holds the customer key and passwords ({SECRETS}): keep it as you keep those.")
    else:
        typer.echo("It holds no key and no password: keep the customer key elsewhere, a restore asks for it.")


@app.command()
def restore(
    backup: Annotated[Path, typer.Option("--from", help="Folder of the backup.")],
    replace: Annotated[str | None, typer.Option(help="Database that may be put aside.")] = None,
) -> None:
    """Restore a backup as the warehouse, and upgrade it to this code."""
    from revlog.maintenance.restore import RestoreFailed, UpgradeFailed
    from revlog.maintenance.restore import restore as restore_backup

    try:
        done = restore_backup(backup, replace, typer.echo)
    except (RestoreFailed, UpgradeFailed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for line in done.told():
        typer.echo(line)
