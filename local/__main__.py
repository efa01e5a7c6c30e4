"""`python -m local`: run, up, down, retailer."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import typer

from warehouse.settings import settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def run(order_lines: int | None = None, seed: int = 7, nights: int = 1) -> None:
    """Bring a simulated company's nights through Airflow and print the KPIs."""
    from local.airflow import AirflowError
    from local.run import RunFailed, default_order_lines
    from local.run import run as run_company
    from warehouse.server import ServerError

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
    from local import airflow
    from warehouse.__main__ import migrate

    migrate()
    airflow.prepare()
    airflow.start(nightly=True)
    api = airflow.Api()
    for dag in airflow.DAGS:
        api.unpause(dag)
    typer.echo(
        f"Airflow: http://127.0.0.1:{airflow.api_port()}  user admin, password in "
        f"{airflow.home() / 'passwords.json'}\n"
        f"Landing zone: {settings().landing}\nNightly schedules are on; `make down` stops all."
    )


@app.command()
def down() -> None:
    """Stop Airflow and the embedded PostgreSQL."""
    from local import airflow
    from warehouse import server

    airflow.stop()
    server.stop()
    typer.echo("Airflow and PostgreSQL are down; data stay where they are.")


@app.command("airflow", context_settings={"ignore_unknown_options": True, "help_option_names": []})
def airflow_command(arguments: list[str]) -> None:
    """Airflow's own command line with this installation's settings: `airflow dags list`."""
    from local import airflow

    program = str(Path(sys.executable).parent / "airflow")
    os.execve(program, [program, *arguments], airflow.environment())


@app.command()
def retailer(folder: str) -> None:
    """Run the pipeline over a folder of UCI Online Retail daily files."""
    from local.retailer import run_retailer

    run_retailer(folder)


if __name__ == "__main__":
    app()
