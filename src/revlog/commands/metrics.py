"""`revlog metrics`: write, and every command of MetricFlow's `mf` against the published marts."""

from __future__ import annotations

import sys

import typer

from revlog.metrics import metrics_file

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def metrics(arguments: list[str]) -> None:
    """`write` makes the metrics from the KPI definitions; everything else goes to `mf`."""
    if arguments == ["write"]:
        typer.echo(metrics_file.write())
        return
    from revlog.outputs.files import NotWritten
    from revlog.transform.metricflow import NotUnderstood, run

    try:
        sys.exit(run(arguments).returncode)
    except (NotUnderstood, NotWritten) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
