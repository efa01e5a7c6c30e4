"""Command line: `python -m benchmarks`, all of it, or `--quick`, or `--only loading`."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PARTS = ("loading", "memory", "imports", "nights", "rebuild")


@app.command()
def main(
    quick: Annotated[bool, typer.Option(help="A tenth of every size, to see that all runs.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Only {', '.join(PARTS)}.")] = None,
    load_rows: Annotated[int, typer.Option(help="Rows of the file that is loaded.")] = 1_000_000,
    memory_rows: Annotated[int, typer.Option(help="Rows of the smaller file.")] = 200_000,
    history: Annotated[int, typer.Option(help="Order lines of the smaller history.")] = 30_000,
    night: Annotated[int, typer.Option(help="Order lines of the night.")] = 2_000,
) -> None:
    """Measure side by side in one run, in a database of its own; prints ratios with their aims."""
    if unknown := set(only or ()) - set(PARTS):
        raise typer.BadParameter(f"{', '.join(unknown)}; choose of {', '.join(PARTS)}")
    if quick:
        load_rows, memory_rows = load_rows // 10, memory_rows // 10
        history, night = history // 10, night // 10
    logging.disable(logging.WARNING)
    from benchmarks import imports, loading, memory, nights, reading, rebuild, report
    from benchmarks.workplace import workplace

    with workplace() as place:
        print(report.versions())
        if _wanted("loading", only):
            report.show("Landing to raw", loading.measure(place, load_rows))
        if _wanted("memory", only):
            report.show("Memory", memory.measure(place, memory_rows))
        if _wanted("imports", only):
            report.show("DAG files", imports.measure())
        if _wanted("nights", only):
            report.show("A night, without Airflow", nights.measure(place, history, night))
            report.show("Reading", reading.measure())
        if _wanted("rebuild", only):
            report.show("A full rebuild, without Airflow", rebuild.measure(place, history))


def _wanted(part: str, only: list[str] | None) -> bool:
    return not only or part in only


if __name__ == "__main__":
    app()
