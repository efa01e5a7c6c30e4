"""Command line of the simulator."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from simulator.company import Company
from simulator.habits import DENSE, TYPICAL
from simulator.run import simulate


def main(
    out: Annotated[Path, typer.Option(help="Landing zone, a folder.")],
    truth: Annotated[Path, typer.Option(help="Folder of the truth; no pipeline reads it.")],
    order_lines: Annotated[int, typer.Option(help="Sales lines of the history.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 7,
    start: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"])] = dt.datetime(2025, 1, 1),
    history_end: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"])] = dt.datetime(2026, 1, 31),
    nights: Annotated[int, typer.Option(help="Nights after the history.")] = 1,
    night_order_lines: Annotated[int | None, typer.Option(help="Sales lines a night.")] = None,
    dirt: Annotated[float, typer.Option(help="Scale of faults in the files; 0 is clean.")] = 1.0,
    defects: Annotated[
        int | None, typer.Option(help="Least times of each plan of money defects; 0 is none.")
    ] = None,
    dense: Annotated[
        bool, typer.Option("--dense", help="Every case that may be met, far oftener than in life.")
    ] = False,
    only_nights: Annotated[
        list[int] | None, typer.Option(help="Write only these nights' files; 0 is the history.")
    ] = None,
) -> None:
    """Write the exports of a simulated company, and apart from them the truth."""
    company = Company(
        out=out, truth=truth, order_lines=order_lines, seed=seed, start=start.date(),
        history_end=history_end.date(), nights=nights, dirt=dirt,
        night_order_lines=night_order_lines, defects=defects, habits=DENSE if dense else TYPICAL,
        only_nights=tuple(only_nights) if only_nights else None,
    )  # fmt: skip
    paths = simulate(company)
    typer.echo(f"{len(paths.files)} files in {paths.landing}")


if __name__ == "__main__":
    typer.run(main)
