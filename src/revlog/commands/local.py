"""`revlog local`: run, up, down, clean-warehouse, retailer."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import typer

from revlog.config.settings import settings

BACKFILL = "docs/how-to/schedule-and-backfill.md"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(order_lines: int | None = None, seed: int = 7, nights: int = 1) -> None:
    """Bring a simulated company's nights through Airflow and print the KPIs."""
    from revlog.database.server import ServerError
    from revlog.local.airflow import AirflowError
    from revlog.local.run import RunFailed, default_order_lines
    from revlog.local.run import run as run_company

    # However the run is stopped, it stops what it started.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        run_company(order_lines or default_order_lines(), seed, nights)
    except (RunFailed, AirflowError, ServerError) as error:
        typer.echo(f"\n{error}\n\nWhat to do: docs/runbook.md", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("\nStopped; `make run` goes on from here.", err=True)
        raise typer.Exit(130) from None


@app.command()
def up() -> None:
    """Start Airflow with scheduler and UI on loopback, nightly schedules on."""
    from revlog.database.server import ServerError
    from revlog.local import airflow
    from revlog.maintenance.migrate import upgrade

    try:
        airflow.refuse_another_than(settings().company)
        if airflow.is_running():
            _refuse_beside_a_run()
            typer.echo(f"Airflow runs already.\n{_where_airflow_is()}")
            return
        typer.echo("PostgreSQL: starting, schemas, roles")
        upgrade()
        typer.echo("Airflow: metadata database, API server, scheduler, DAG processor, triggerer")
        airflow.prepare(nightly=True)
        airflow.start(nightly=True)
        airflow.wait_until_healthy()
        for dag in airflow.DAGS:
            airflow.Api().unpause(dag)
    except (airflow.AirflowError, ServerError) as error:
        typer.echo(f"\n{error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Airflow is up.\n{_where_airflow_is()}")


@app.command()
def down() -> None:
    """Stop Airflow, Superset and the embedded PostgreSQL."""
    from revlog.bi import loopback
    from revlog.database import server
    from revlog.local import airflow

    ran = airflow.stop()
    ran += ["Superset"] if loopback.down() else []
    ran += ["PostgreSQL"] if server.is_running() else []
    server.stop()
    typer.echo(f"Stopped: {', '.join(ran)}. Data stay where they are." if ran else "Nothing was running.")


@app.command("clean-warehouse")
def clean_warehouse(confirm: str = "") -> None:
    """Remove this machine's warehouse for good; says what has to be named before."""
    from revlog.bi import loopback
    from revlog.local import airflow
    from revlog.local.clean import clean_warehouse as clean

    airflow.stop()
    loopback.down()
    typer.echo(clean(confirm))


def _refuse_beside_a_run() -> None:
    """`make run` has the schedules off; they can't be turned on underneath it."""
    from revlog.local import airflow

    if not airflow.runs_nightly():
        typer.echo("`make run` is at work; wait for its end, or stop it: make down", err=True)
        raise typer.Exit(1)


def _where_airflow_is() -> str:
    from revlog.local import airflow

    return (
        f"  UI             http://127.0.0.1:{airflow.api_port()}\n"
        f"  log in         as admin; the password is in {airflow.home() / 'passwords.json'}\n"
        f"  landing zone   {settings().landing}\n"
        f"  nights         {_next_night()}\n"
        "  stop           make down"
    )


def _next_night() -> str:
    """When the schedule takes which business date next."""
    from revlog.local import airflow

    run_after = airflow.Api().get("/dags/ingest_erp")["next_dagrun_run_after"]
    if run_after is None:
        return f"none runs by itself (NIGHTLY_FROM={airflow.first_night()}); any date by backfill: {BACKFILL}"
    when = dt.datetime.fromisoformat(run_after)
    return (
        f"the next is {when.date() - dt.timedelta(days=1)}, at {when:%Y-%m-%d %H:%M} UTC;"
        f" earlier dates by backfill: {BACKFILL}"
    )


@app.command("airflow", context_settings={"ignore_unknown_options": True, "help_option_names": []})
def airflow_command(arguments: list[str]) -> None:
    """Airflow's own command line with this installation's settings: `airflow dags list`."""
    from revlog.local import airflow

    program = str(Path(sys.executable).parent / "airflow")
    if {"--help", "-h"} & set(arguments):
        # What it can do is told before there is a warehouse, and leaves nothing behind.
        with tempfile.TemporaryDirectory() as home:
            asked = subprocess.run(
                [program, *arguments], env=os.environ | {"AIRFLOW_HOME": home}, check=False
            )
        raise typer.Exit(asked.returncode)
    os.execve(program, [program, *arguments], airflow.environment())


@app.command()
def retailer(folder: str) -> None:
    """Run the pipeline over a folder of UCI Online Retail daily files."""
    from revlog.local.retailer import run_retailer

    run_retailer(folder)
