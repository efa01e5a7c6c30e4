"""Command line: `python -m benchmarks`, all but what takes hours, or `--quick`, or `--only loading`."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PARTS = ("quiet", "loading", "memory", "imports", "nights", "rebuild")
# Asked for by name: whole runs through Airflow, another commit's, and the tests.
LONG = ("airflow", "run", "tests")


@app.command()
def main(
    quick: Annotated[bool, typer.Option(help="A tenth of every size, to see that all runs.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Only {', '.join(PARTS + LONG)}.")] = None,
    load_rows: Annotated[int, typer.Option(help="Rows of the file that is loaded.")] = 1_000_000,
    memory_rows: Annotated[int, typer.Option(help="Rows of the smaller file.")] = 200_000,
    lines: Annotated[int, typer.Option(help="Order lines of the company of whole nights.")] = 20_000,
    history: Annotated[int, typer.Option(help="Order lines of the smaller history.")] = 30_000,
    night: Annotated[int, typer.Option(help="Order lines of a night: a day of the larger one.")] = 750,
    commit: Annotated[str, typer.Option(help="What `make run` is compared with.")] = "HEAD~1",
    tests: Annotated[str, typer.Option(help="Which tests are timed.")] = "tests",
) -> None:
    """Measure side by side in one run, in a database of its own; prints ratios with their aims."""
    if unknown := set(only or ()) - {*PARTS, *LONG}:
        raise typer.BadParameter(f"{', '.join(unknown)}; choose of {', '.join(PARTS + LONG)}")
    if quick:
        load_rows, memory_rows, lines = load_rows // 10, memory_rows // 10, lines // 10
        history, night = history // 10, night // 10
    logging.disable(logging.WARNING)
    from benchmarks import imports, loading, memory, nights, quiet_night, reading, rebuild, report, runs
    from benchmarks.workplace import workplace

    with workplace() as place:
        print(report.versions())
        if _wanted("quiet", only):
            report.show(
                "A night that brings nothing, from the command line", quiet_night.measure(place, lines)
            )
        if _wanted("loading", only):
            report.show("Landing to raw", loading.measure(place, load_rows))
        if _wanted("memory", only):
            report.show("Memory", memory.measure(place, memory_rows))
        if _wanted("imports", only):
            report.show("DAG files", imports.measure())
        if _wanted("nights", only):
            report.show("Equal nights, without Airflow", nights.measure(place, history, night))
            report.show("Reading", reading.measure())
        if _wanted("rebuild", only):
            report.show("A full rebuild, without Airflow", rebuild.measure(place, history))
        if "airflow" in (only or ()):
            report.show("Through Airflow", runs.airflow(place, lines))
        if "run" in (only or ()):
            report.show("From nothing", runs.make_run(place, lines, commit))
        if "tests" in (only or ()):
            report.show("Tests", runs.tests(tests))


def _wanted(part: str, only: list[str] | None) -> bool:
    return not only or part in only


if __name__ == "__main__":
    app()
