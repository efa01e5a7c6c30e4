"""The command `revlog`. What a part of it needs is imported when that part is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from revlog.config.redaction import run_command

# What people type: the module here that knows it, its one command where it is one, and what it does.
PARTS = {
    "night": ("night", "night", "One night without an orchestrator, from landing zone to marts."),
    "status": ("night", "status", "What stands, what runs, what failed and its remedy, what waits."),
    "load": ("load", "load", "Files of the landing zone into raw."),
    "gate": ("gates", "gate", "Run one gate of Great Expectations."),
    "accept": ("gates", "accept", "Let a feed's odd night pass its gate."),
    "build": ("build", None, "Build the warehouse with dbt, unjudged."),
    "outbound": ("outbound", None, "Tell other systems what is published, each event once."),
    "period": ("closing", None, "Close and reopen fiscal periods, decide on open items."),
    "workbook": ("reports", "workbook", "A fiscal period's reconciliation as XLSX."),
    "metrics": ("metrics", "metrics", "KPIs by name: MetricFlow's commands, and `write`."),
    "catalog": ("catalog", "catalog", "The data dictionary and dbt's documentation as pages."),
    "ingestion": ("ingestion", None, "Contracts and layouts, single files, customers."),
    "warehouse": ("warehouse", None, "The database: start, upgrade, publish, withdraw, back up."),
    "local": ("local", None, "The pipeline on one machine: Airflow, the simulated company."),
    "bi": ("bi", None, "Superset and its dashboards."),
}


class Parts(TyperGroup):
    """The parts of the command, imported one at a time."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of PARTS."""
        return list(PARTS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The part called `cmd_name`; None where there is none."""
        if cmd_name not in PARTS:
            return None
        module, command, _ = PARTS[cmd_name]
        found: Any = typer.main.get_command(import_module(f"revlog.commands.{module}").app)
        return found.commands[command] if command and hasattr(found, "commands") else found

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list that `--help` shows, which imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, _, what) in PARTS.items()])


app = typer.Typer(
    cls=Parts,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def revlog() -> None:
    """Reverse logistics, from files that land to figures that are published."""


def main() -> None:
    """What the console script runs."""
    run_command(app)
